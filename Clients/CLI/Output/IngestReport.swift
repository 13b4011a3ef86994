import ArgumentParser
import Formats
import MessageExportClient

/// A message to ingest, or why there is none, with what people know it by.
struct IngestItem: Sendable {
    let name: String
    let message: Result<Message, Status>

    var isRead: Bool { (try? message.get()) != nil }

    init(_ name: String, _ message: () throws(Status) -> Message) {
        self.name = name
        do { self.message = .success(try message()) } catch { self.message = .failure(error) }
    }
}

/// Ingests messages and shows what became of each, in their order, as they are answered.
struct IngestReport {
    /// Messages on their way at the same time: enough to share the disk's syncs, few enough to hold in memory.
    private static let atOnce = 16
    private static let outcomeWidth = Handover.outcomes.map(\.count).max() ?? 0
    private static let expiryWidth = 24

    /// How what became of messages is shown.
    enum Format {
        case table
        case json
        /// Only what was not taken, on standard error.
        case nothing
    }

    private let format: Format
    private let isOne: Bool

    /// - Parameter isOne: whether there is one message: then its id is shown, and nothing is counted.
    init(_ format: Format, isOne: Bool) {
        self.format = format
        self.isOne = isOne
    }

    /// - Parameter next: the next message; nil: there is none.
    /// - Throws: `ExitCode` of the first that was not taken, when all have been tried; `unavailable` when the daemon is gone.
    func run(_ receiver: Receiver, next: () -> IngestItem?) async throws {
        if format == .table { showLine("OUTCOME", "EXPIRES", isOne ? "INPUT  MESSAGE ID" : "INPUT") }
        var counts: [String: Int] = [:]
        var failures = Failures()
        var firstFailure: Status?
        // What may be meant, by the name of a configuration that is not there.
        var hints: [String: String?] = [:]
        while true {
            var items: [IngestItem] = []
            while items.count < IngestReport.atOnce, let item = next() { items.append(item) }
            guard !items.isEmpty else { break }
            let results = await ingest(items, receiver, &hints)
            for (item, result) in zip(items, results) {
                show(item, result)
                switch result {
                case .success(let handover): counts[handover.outcome, default: 0] += 1
                case .failure(let status):
                    if result.isUnavailable { failures.unknown += 1 } else { failures.refused += 1 }
                    firstFailure = firstFailure ?? status
                }
            }
            // What cannot be read says nothing of the daemon.
            if zip(items, results).allSatisfy({ $0.isRead && $1.isUnavailable }), let item = next() {
                if format == .table { summarize(counts, failures: failures) }
                throw Status(
                    .unavailable, "the daemon takes nothing any more: \(item.name) and what follows it were not tried",
                    hint: "ingest all of it again when the daemon is back: what it has is not stored twice")
            }
        }
        if format == .table, !isOne { summarize(counts, failures: failures) }
        if let firstFailure { throw ExitCode(ExitStatus.code(for: firstFailure.code)) }
    }

    private func ingest(
        _ items: [IngestItem], _ receiver: Receiver, _ hints: inout [String: String?]
    ) async -> [Result<Handover, Status>] {
        var results = await withTaskGroup(of: (Int, Result<Handover, Status>).self) { group in
            for (index, item) in items.enumerated() {
                group.addTask {
                    do throws(Status) {
                        return (index, .success(try await receiver.ingest(item.message.get())))
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            let unanswered = Result<Handover, Status>.failure(Status(.internal, "not answered"))
            var results = Array(repeating: unanswered, count: items.count)
            for await (index, result) in group { results[index] = result }
            return results
        }
        // Of large messages not all have room at the same time: alone, each has.
        for (item, index) in zip(items, results.indices) {
            guard case .failure(let status) = results[index], status.code == .resourceExhausted, status.reason == .temporary
            else { continue }
            do throws(Status) { results[index] = .success(try await receiver.ingest(item.message.get())) } catch {
                results[index] = .failure(error)
            }
        }
        for (item, index) in zip(items, results.indices) {
            guard case .daemon(let client) = receiver, case .failure(var status) = results[index], status.code == .notFound,
                let name = try? item.message.get().configuration
            else { continue }
            if hints[name] == nil { hints[name] = await status.suggesting(.configuration, for: name, client).hint }
            status.hint = hints[name] ?? nil
            results[index] = .failure(status)
        }
        return results
    }

    private func show(_ item: IngestItem, _ result: Result<Handover, Status>) {
        let id = try? item.message.get().id.value
        switch (result, format) {
        case (.success(let handover), .table):
            let name = Terminal.printable(item.name)
            showLine(
                handover.outcome, handover.answer?.expiresAt?.description ?? "-",
                isOne ? "\(name)  \(Terminal.printable(id ?? ""))" : name)
        case (.success, .nothing): break
        case (.failure(let status), .table), (.failure(let status), .nothing):
            Terminal.complain(status, about: item.name)
        case (_, .json):
            var json = JSONWriter()
            json.object { json in
                json.member("input", item.name)
                json.member("messageId", id)
                switch result {
                case .success(let handover):
                    json.member("outcome", handover.outcome)
                    json.member("ingestedAt", handover.answer?.ingestedAt?.description)
                    json.member("expiresAt", handover.answer?.expiresAt?.description)
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

    /// What was not taken; unknown is what may be stored all the same.
    private struct Failures {
        var refused = 0
        var unknown = 0
    }

    private func summarize(_ counts: [String: Int], failures: Failures) {
        let parts = Handover.outcomes.compactMap { outcome in counts[outcome].map { "\($0) \(outcome)" } }
        let refused = failures.refused > 0 ? ["\(failures.refused) refused"] : []
        let all = parts + refused + (failures.unknown > 0 ? ["\(failures.unknown) unknown"] : [])
        Terminal.print(all.isEmpty ? "nothing to ingest" : all.joined(separator: ", "))
    }

    /// Rows come one after the other, so their widths are fixed; a narrow terminal gets no expiry, and the input clipped.
    private func showLine(_ outcome: String, _ expiry: String, _ input: String) {
        let gap = "  "
        var line = DisplayWidth.padded(outcome, to: IngestReport.outcomeWidth) + gap
        guard let width = Terminal.width else {
            return Terminal.print(line + DisplayWidth.padded(expiry, to: IngestReport.expiryWidth) + gap + input)
        }
        if width >= 80 { line += DisplayWidth.padded(expiry, to: IngestReport.expiryWidth) + gap }
        Terminal.print(line + DisplayWidth.clipped(input, to: max(1, width - DisplayWidth.of(line))))
    }
}

extension Handover {
    /// All words of `outcome`.
    fileprivate static var outcomes: [String] { Outcome.allCases.map(\.rawValue) + ["SPOOLED", "DROPPED"] }

    /// In a word.
    fileprivate var outcome: String {
        switch self {
        case .answered(let result): result.outcome.rawValue
        case .spooled: "SPOOLED"
        case .dropped: "DROPPED"
        }
    }

    fileprivate var answer: IngestResult? {
        if case .answered(let result) = self { result } else { nil }
    }
}

extension OutputFormat {
    /// As it is asked for.
    var report: IngestReport.Format { self == .table ? .table : .json }
}

extension Result where Failure == Status {
    fileprivate var isUnavailable: Bool {
        if case .failure(let status) = self { status.code == .unavailable } else { false }
    }
}
