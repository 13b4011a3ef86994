import ArgumentParser
import Formats
import MessageExportClient

/// A message to ingest, or why there is none, with what people know it by.
struct IngestItem: Sendable {
    let name: String
    let message: Result<Message, Status>
    /// What it takes in memory, about: as it is, and its parts.
    let bytes: Int
    /// Whether there was something to make a message of.
    fileprivate let wasRead: Bool

    var isRead: Bool { (try? message.get()) != nil }

    /// - Parameters:
    ///   - content: reads it.
    ///   - message: makes a message of it.
    init(_ name: String, _ content: () throws(Status) -> [UInt8], _ message: ([UInt8]) throws(Status) -> Message) {
        self.name = name
        do throws(Status) {
            let content = try content()
            bytes = 2 * content.count
            wasRead = true
            do throws(Status) { self.message = .success(try message(content)) } catch { self.message = .failure(error) }
        } catch {
            bytes = 0
            wasRead = false
            self.message = .failure(error)
        }
    }

    fileprivate func ingest(_ receiver: Receiver) async -> Result<Handover, Status> {
        do throws(Status) { return .success(try await receiver.ingest(message.get())) } catch { return .failure(error) }
    }
}

/// A message that was not taken, and that has been told of.
struct NotTaken: Error {
    let status: Status
    /// Whether the message itself is the reason: it is no mail, too large, or has a part that nobody takes.
    let isForContent: Bool

    init(_ status: Status, _ item: IngestItem) {
        self.status = status
        let isAboutIt =
            item.isRead
            ? status.field.map { $0.contains("email.") } ?? (status.limit != nil)
            : status.field == nil && (status.limit != nil || item.wasRead)
        isForContent = status.code == .invalidArgument && isAboutIt
    }
}

/// Ingests messages and shows what became of each, in their order, as they are answered.
struct IngestReport {
    /// Messages on their way at the same time: enough to share the disk's syncs.
    private static let atOnce = 64
    /// Their bytes: no more are begun.
    private static let bytesAtOnce = 16 << 20
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

    /// - Parameters:
    ///   - total: how many there are, as far as it is known: for the progress bar.
    ///   - next: the next message; nil: there is none.
    /// - Throws: `NotTaken` with the first that was not, when all have been tried; `unavailable` when the daemon is gone.
    func run(_ receiver: Receiver, total: Int? = nil, next: () -> IngestItem?) async throws {
        if format == .table, !isOne { showLine("OUTCOME", "EXPIRES", "INPUT") }
        var tally = Tally()
        // What may be meant, by the name of a configuration that is not there.
        var hints: [String: String?] = [:]
        var untried: IngestItem?
        var held: IngestItem?
        await withTaskGroup(of: Ended.self) { group in
            var window = Window()
            while true {
                while untried == nil, window.hasRoom, let item = held.take() ?? next() {
                    // The daemon has room for one large message of a connection.
                    guard item.bytes < Limits.messageFrameBytes || window.isEmpty else {
                        held = item
                        break
                    }
                    // What cannot be read says nothing of the daemon.
                    guard !item.isRead || tally.unavailable < IngestReport.atOnce else {
                        untried = item
                        break
                    }
                    let number = window.add(item)
                    group.addTask { Ended(number: number, item: item, result: await item.ingest(receiver)) }
                }
                guard let ended = await group.next() else { break }
                for var ended in window.take(ended) {
                    // Another connection's large messages may have taken the room for a moment.
                    if ended.isCrowded { ended.result = await ended.item.ingest(receiver) }
                    ended.result = await suggest(ended, receiver, &hints)
                    tally.add(ended)
                    show(ended.item, ended.result)
                }
                if let total { tally.show(of: total) }
            }
        }
        tally.progress.end()
        if format == .table, !isOne || untried != nil { summarize(tally) }
        if let untried {
            throw Status(
                .unavailable, "the daemon takes nothing any more: \(untried.name) and what follows it were not tried",
                hint: "ingest all of it again when the daemon is back: what it has is not stored twice")
        }
        if let notTaken = tally.notTaken { throw notTaken }
    }

    /// A message that was tried.
    private struct Ended: Sendable {
        let number: Int
        let item: IngestItem
        var result: Result<Handover, Status>

        var isCrowded: Bool {
            if case .failure(let status) = result {
                status.code == .resourceExhausted && status.reason == .temporary
            } else {
                false
            }
        }
    }

    /// What is on its way, and what came back before something older.
    private struct Window {
        private var bytes = 0
        private var begun = 0
        private var shown = 0
        private var waiting: [Int: Ended] = [:]

        var isEmpty: Bool { begun == shown }

        /// For one at least, however large.
        var hasRoom: Bool { isEmpty || (begun - shown < IngestReport.atOnce && bytes < IngestReport.bytesAtOnce) }

        mutating func add(_ item: IngestItem) -> Int {
            bytes += item.bytes
            begun += 1
            return begun - 1
        }

        /// What can be shown now, in order.
        mutating func take(_ ended: Ended) -> [Ended] {
            waiting[ended.number] = ended
            var ready: [Ended] = []
            while let next = waiting.removeValue(forKey: shown) {
                bytes -= next.item.bytes
                shown += 1
                ready.append(next)
            }
            return ready
        }
    }

    /// What became of all.
    private struct Tally {
        var counts: [String: Int] = [:]
        var refused = 0
        /// These may be stored all the same.
        var unknown = 0
        /// One after the other, up to now.
        var unavailable = 0
        var notTaken: NotTaken?
        var progress = ProgressBar(isCount: true)

        mutating func add(_ ended: Ended) {
            switch ended.result {
            case .success(let handover):
                counts[handover.outcome, default: 0] += 1
                unavailable = 0
            case .failure(let status):
                let isUnavailable = status.code == .unavailable && ended.item.isRead
                if isUnavailable { unknown += 1 } else { refused += 1 }
                if ended.item.isRead { unavailable = isUnavailable ? unavailable + 1 : 0 }
                notTaken = notTaken ?? NotTaken(status, ended.item)
            }
        }

        mutating func show(of total: Int) {
            // On a terminal the rows themselves tell how far it is.
            guard Terminal.width == nil else { return }
            let done = counts.values.reduce(0, +) + refused + unknown
            progress.show(UInt64(done), of: UInt64(total), "\(done) of \(total)")
        }
    }

    /// The result, with which configuration may be meant when there is none of that name.
    private func suggest(
        _ ended: Ended, _ receiver: Receiver, _ hints: inout [String: String?]
    ) async -> Result<Handover, Status> {
        guard case .daemon(let client) = receiver, case .failure(var status) = ended.result, status.code == .notFound,
            let name = try? ended.item.message.get().configuration
        else { return ended.result }
        if hints[name] == nil { hints[name] = await status.suggesting(.configuration, for: name, client).hint }
        status.hint = hints[name] ?? nil
        return .failure(status)
    }

    private func show(_ item: IngestItem, _ result: Result<Handover, Status>) {
        let id = try? item.message.get().id.value
        switch (result, format) {
        case (.success(let handover), .table):
            let name = Terminal.printable(item.name)
            let expiry = handover.answer?.expiresAt?.description ?? "-"
            guard isOne else { return showLine(handover.outcome, expiry, name) }
            let width = max(DisplayWidth.of(name), "INPUT".count)
            showLine("OUTCOME", "EXPIRES", "\(DisplayWidth.padded("INPUT", to: width))  MESSAGE ID")
            showLine(handover.outcome, expiry, "\(DisplayWidth.padded(name, to: width))  \(Terminal.printable(id ?? ""))")
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
            Terminal.print(json)
        }
    }

    private func summarize(_ tally: Tally) {
        let parts = Handover.outcomes.compactMap { outcome in tally.counts[outcome].map { "\($0) \(outcome)" } }
        let refused = tally.refused > 0 ? ["\(tally.refused) refused"] : []
        let all = parts + refused + (tally.unknown > 0 ? ["\(tally.unknown) unknown"] : [])
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
        Terminal.print(line + (isOne ? input : DisplayWidth.clipped(input, to: max(1, width - DisplayWidth.of(line)))))
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
