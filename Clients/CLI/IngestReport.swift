import ArgumentParser
import Formats
import MessageExportClient

/// Ingests inputs and shows what became of each, in their order, as they are answered.
struct IngestReport {
    /// Inputs on their way at the same time: enough to share the disk's syncs, few enough to hold in memory.
    private static let atOnce = 16

    private let format: OutputFormat

    init(_ format: OutputFormat) {
        self.format = format
    }

    /// - Throws: `ExitCode` of the first input that was not taken, when all have been tried.
    func run(_ inputs: [InputFile], client: MessageExportClient, message: (InputFile) throws -> Message) async throws {
        if format == .table {
            Terminal.print("\(padded("OUTCOME", 15))  \(padded("EXPIRES", 24))  INPUT\(inputs.count == 1 ? "  MESSAGE ID" : "")")
        }
        var counts: [Outcome: Int] = [:]
        var failures = 0
        var firstFailure: Status?
        for start in stride(from: 0, to: inputs.count, by: IngestReport.atOnce) {
            let chunk = inputs[start..<min(start + IngestReport.atOnce, inputs.count)]
            let messages = chunk.map { input in Result { try message(input) }.mapError(IngestReport.status) }
            let results = await ingest(messages, client)
            for (input, (message, result)) in zip(chunk, zip(messages, results)) {
                let id = try? message.get().id.value
                show(input, id: id, result, isOne: inputs.count == 1)
                switch result {
                case .success(let result): counts[result.outcome, default: 0] += 1
                case .failure(let status):
                    failures += 1
                    firstFailure = firstFailure ?? status
                }
            }
        }
        if format == .table, inputs.count > 1 { summarize(counts, failures: failures) }
        if let firstFailure { throw ExitCode(ExitStatus.code(for: firstFailure.code)) }
    }

    private func ingest(
        _ messages: [Result<Message, Status>], _ client: MessageExportClient
    ) async -> [Result<IngestResult, Status>] {
        await withTaskGroup(of: (Int, Result<IngestResult, Status>).self) { group in
            for (index, message) in messages.enumerated() {
                group.addTask {
                    do throws(Status) {
                        return (index, .success(try await client.ingest(message.get())))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            let unanswered = Result<IngestResult, Status>.failure(Status(.internal, "not answered"))
            var results = Array(repeating: unanswered, count: messages.count)
            for await (index, result) in group { results[index] = result }
            return results
        }
    }

    private static func status(_ error: any Error) -> Status {
        error as? Status ?? Status(.internal, "\(error)")
    }

    private func show(_ input: InputFile, id: String?, _ result: Result<IngestResult, Status>, isOne: Bool) {
        switch (result, format) {
        case (.success(let result), .table):
            let expiry = result.expiresAt?.description ?? "-"
            let line = "\(padded(result.outcome.rawValue, 15))  \(padded(expiry, 24))  \(Terminal.printable(input.name))"
            Terminal.print(isOne ? "\(line)  \(Terminal.printable(id ?? ""))" : line)
        case (.failure(let status), .table):
            Terminal.complain(status, about: input.name)
        case (_, .json):
            var json = JSONWriter()
            json.object { json in
                json.member("input", input.name)
                json.member("messageId", id)
                switch result {
                case .success(let result):
                    json.member("outcome", result.outcome.rawValue)
                    json.member("ingestedAt", result.ingestedAt?.description)
                    json.member("expiresAt", result.expiresAt?.description)
                case .failure(let status):
                    json.object("error") { json in
                        json.member("code", status.code.name)
                        json.member("message", status.message)
                        json.member("field", status.field)
                        json.member("hint", status.hint)
                    }
                }
            }
            Terminal.print(json.text)
        }
    }

    private func summarize(_ counts: [Outcome: Int], failures: Int) {
        let parts = Outcome.allCases.compactMap { outcome in counts[outcome].map { "\($0) \(outcome.rawValue)" } }
        Terminal.print((parts + (failures > 0 ? ["\(failures) refused"] : [])).joined(separator: ", "))
    }

    private func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }
}
