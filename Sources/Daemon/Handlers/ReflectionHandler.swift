import Messages
import Model
import RPC

/// Serves one `ServerReflectionInfo`: what the built-in descriptors say.
final class ReflectionHandler: MessageReceiver {
    private let call: Call
    private let descriptors = ServiceDescriptors.builtIn
    private var isOver = false

    init(_ call: Call) {
        self.call = call
    }

    func receive(_ message: [UInt8]) {
        guard !isOver else { return }
        do throws(Status) {
            // What was asked comes back with the answer, and its host twice.
            guard message.count <= Limits.managementRequestBytes else {
                throw Status(
                    .resourceExhausted,
                    "a request of \(message.count) bytes is over the limit of \(Limits.managementRequestBytes)",
                    limit: Limits.managementRequestBytes)
            }
            let request = try ReflectionRequest(packed: message)
            call.post(ReflectionResponse(request: request, answer: answer(request.question)).packed)
            call.release(messages: 1, bytes: message.count)
        } catch {
            isOver = true
            call.answer(.failure(error))
        }
    }

    private func answer(_ question: ReflectionRequest.Question?) -> ReflectionResponse.Answer {
        switch question {
        case .services: return .services(descriptors.services)
        case .file(let name): return files(name)
        case .fileContaining(let symbol): return files(descriptors.fileOfSymbol[symbol])
        case .fileContainingExtension, .extensionNumbers: return .error(Status(.notFound, "there are no extensions here"))
        case nil: return .error(Status(.invalidArgument, "no question that is known here"))
        }
    }

    private func files(_ name: String?) -> ReflectionResponse.Answer {
        let files = name.map { descriptors.closure(of: $0) } ?? []
        return files.isEmpty ? .error(Status(.notFound, "there is nothing of that name")) : .files(files.map(\.packed))
    }

    func close() {
        if !isOver { call.finish() }
        isOver = true
    }

    func cancel() { close() }

    func stop() {
        if !isOver { call.answer(.failure(.stopping)) }
        isOver = true
    }
}
