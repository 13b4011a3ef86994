package import Messages
public import Model
import RPC

extension MessageExportClient {
    /// Hands the health of a service to `body`: at once, and then each change, until the daemon ends it.
    ///
    /// It has a connection of its own: the daemon learns from its end that nobody watches any more.
    /// - Parameter service: its full name, such as `messageexport.v1.IngestionService`; empty: the daemon as a whole.
    public func watchHealth(service: String = "", _ body: (Health) throws(Status) -> Void) async throws(Status) {
        let request = HealthCheckRequest(service: service).packed
        let watching = client.another()
        let result: Result<Void, Status>
        do throws(Status) {
            try await watching.stream(MethodName.watchHealth.described, request, timeout: nil) { (stream) throws(Status) in
                try await stream.forEachMessage { (message) throws(Status) in try body(try Health(packed: message)) }
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await watching.close()
        try result.get()
    }

    /// Full names of the services that the daemon has, as its reflection service tells.
    package func services() async throws(Status) -> [String] {
        guard case .services(let names) = try await reflect(.services("")) else {
            throw Status(.internal, "the daemon did not answer with services")
        }
        return names
    }

    /// What the daemon tells of a service, method or message: all that its file defines.
    /// - Throws: `notFound` when there is none of that name.
    package func schema(containing symbol: String) async throws(Status) -> DynamicSchema {
        guard case .files(let files) = try await reflect(.fileContaining(symbol: symbol)) else {
            throw Status(.internal, "the daemon did not answer with files")
        }
        return try DynamicSchema(files: files)
    }

    private func reflect(_ question: ReflectionRequest.Question) async throws(Status) -> ReflectionResponse.Answer {
        try await client.stream(MethodName.reflect.described, timeout: timeout) { (stream) throws(Status) in
            try await stream.send(ReflectionRequest(question: question).packed)
            try await stream.finish()
            let response = try ReflectionResponse(packed: try await stream.answer())
            if case .error(let status) = response.answer { throw status }
            return response.answer
        }
    }

    /// Makes a call of any kind with packed messages.
    ///
    /// - Parameters:
    ///   - messages: what to send; a method that takes one message is given the first, or an empty one.
    ///   - body: gets each message that is answered.
    package func call(
        _ method: MethodDescription, _ messages: [[UInt8]], _ body: ([UInt8]) throws(Status) -> Void
    ) async throws(Status) {
        guard method.clientStreams || method.serverStreams else {
            return try body(try await client.call(method, messages.first ?? [], timeout: timeout))
        }
        let first = method.clientStreams ? nil : messages.first ?? []
        try await client.stream(method, first, timeout: nil) { (stream) throws(Status) in
            guard method.clientStreams else { return try await stream.forEachMessage(body) }
            async let sent: Void = send(messages, on: stream)
            try await stream.forEachMessage(body)
            await sent
        }
    }

    /// A call that is over takes no more: its end tells why.
    private func send(_ messages: [[UInt8]], on stream: ClientStream) async {
        do throws(Status) {
            for message in messages { try await stream.send(message) }
            try await stream.finish()
        } catch {}
    }
}
