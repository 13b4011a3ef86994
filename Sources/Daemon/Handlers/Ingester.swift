import Catalog
import Crypto
import Dataset
import Messages
import Metrics
import Model
import RPC

/// Decides about messages and hands those that are to be kept to their dataset. On any thread; never touches the catalog, never blocks.
struct Ingester: Sendable {
    typealias Completion = @Sendable (Result<IngestResult, Status>) -> Void

    let gate: AccessGate
    let time: any TimeSource
    let meters: Meters

    /// The sandbox that a message of a call is for.
    func entry(_ sandbox: String, of call: Call) throws(Status) -> SandboxDirectory.Entry {
        do throws(Status) { return try gate.admit(call, to: sandbox, for: .ingest) } catch {
            meters.elsewhere.count(error)
            throw error
        }
    }

    /// Decides about a checked message of a call, or what is wrong with it: what is to be handed to the sandbox's dataset; nil: it is answered.
    /// `completion` is called once, before this returns, at the end of the turn, or on another thread.
    ///
    /// - Parameters:
    ///   - path: of the message in what was sent; nil: it is all of it.
    ///   - handedOverAt: when it was sent, unless it says so itself; nil: now.
    func decide(
        _ message: Result<CheckedMessage, Status>, at path: @autoclosure () -> String? = nil, of call: Call,
        into entry: SandboxDirectory.Entry, handedOverAt: Instant? = nil,
        completion: @escaping Completion
    ) -> RecordStore.Entry? {
        let (meter, start) = (entry.meter, BootClock.nanoseconds)
        let answer: Completion = { result in
            meter.count(result)
            meter.ingest.observe(BootClock.nanoseconds - start)
            completion(result)
        }
        switch message {
        case .failure(let status): answer(.failure(status))
        case .success(let message):
            do throws(Status) {
                let (submission, refusal) = try submission(of: message, call, into: entry, handedOverAt ?? time.now)
                return RecordStore.Entry(submission, keep: refusal == nil) { result in
                    answer(result.map { IngestResult($0, otherwise: refusal) }.mapError { Status($0) })
                }
            } catch {
                answer(.failure(path().map { error.within($0) } ?? error))
            }
        }
        return nil
    }

    /// What is handed to the dataset, and why it is not to be kept; nil: it is.
    private func submission(
        of message: CheckedMessage, _ call: Call, into entry: SandboxDirectory.Entry, _ handedOverAt: Instant
    ) throws(Status) -> (Submission, refusal: Outcome?) {
        let configuration = try configuration(of: message, in: entry)
        let sentAt = message.sentAt ?? handedOverAt
        let group = entry.groups[configuration.name] ?? Term(configuration)
        let make: @Sendable () -> Submission.Body = { [id = configuration.id, version = configuration.version] in
            let stored = StoredMessage(
                message: message.packed, configurationID: id, configurationVersion: version, sentAt: sentAt)
            return Submission.Body(
                contentSHA256: SHA256.hash(data: message.packed).withUnsafeBytes(Array.init), group: group, terms: message.terms,
                payload: stored.pieces)
        }
        // What takes its time is left to whoever writes it, and not done for what is not kept; but one message that is larger than a frame
        // holds up no others there.
        let isLarge = message.packed.count > Limits.frameBytes
        let submission = Submission(
            submitter: call.peer.uid, source: call.connection, id: message.id, bytes: message.packed.count,
            body: isLarge ? made(make()) : make)
        return (submission, reasonNotToKeep(sentAt, configuration, entry))
    }

    private func made(_ body: Submission.Body) -> @Sendable () -> Submission.Body { { body } }

    /// The configuration that a message names, which must be in force and of its channel.
    private func configuration(
        of message: CheckedMessage, in entry: SandboxDirectory.Entry
    ) throws(Status) -> ChannelConfiguration {
        guard let configuration = entry.configurations[message.configuration] else {
            // Whatever is no name is not repeated.
            let name = (try? ResourceName(message.configuration))?.value ?? "of that name"
            throw Status(
                .notFound, "there is no channel configuration \(name) in sandbox \(entry.sandbox.name)", field: "configuration",
                hint: "msgexport configuration list shows those there are")
        }
        guard configuration.channel == message.channel else {
            throw Status(
                .invalidArgument,
                "channel configuration \(configuration.name) is for \(configuration.channel.name), the content is \(message.channel.name)",
                field: message.channel.rawValue, reason: .conflict)
        }
        guard configuration.state == .active else {
            throw Status(
                .failedPrecondition, "channel configuration \(configuration.name) is \(configuration.state.rawValue), not ACTIVE",
                field: "configuration", hint: configuration.state == .deactivated ? "activate it first" : "submit it first")
        }
        guard entry.messageExport else {
            throw Status(.failedPrecondition, "the organization is not entitled to message export")
        }
        return configuration
    }

    /// Why a message is not kept; nil: it is. No backfill: what was sent before its interval of the flag belongs to none.
    private func reasonNotToKeep(
        _ sentAt: Instant, _ configuration: ChannelConfiguration, _ entry: SandboxDirectory.Entry
    ) -> Outcome? {
        guard configuration.messageExport else { return .exportDisabled }
        let since = max(configuration.enabledSince ?? entry.entitledSince, entry.entitledSince)
        let tolerated = Int64(Limits.enabledToleranceSeconds) * 1000
        return sentAt.milliseconds + tolerated < since.milliseconds ? .beforeEnabled : nil
    }
}

extension Term {
    /// A mail to more people than it has terms for is found for each of them.
    fileprivate static let manyRecipients = Term.first

    /// What finds the records that were sent to a recipient, and perhaps others.
    static func sent(to recipient: String) -> [Term] {
        [Term(.recipient, Recipient.normalized(recipient)), manyRecipients]
    }

    /// Records are counted by their configuration.
    init(_ configuration: ChannelConfiguration) {
        self.init(.configuration, configuration.id)
    }
}

extension CheckedMessage {
    /// What its record is found by.
    fileprivate var terms: [Term] {
        var terms: [Term] = []
        terms.reserveCapacity(recipients.count + 2)
        if let campaignID { terms.append(Term(.campaign, campaignID)) }
        if let journeyVersionID { terms.append(Term(.journey, journeyVersionID)) }
        if recipients.count + terms.count > Limits.termsPerRecord { terms.append(.manyRecipients) }
        for recipient in recipients { terms.append(Term(.recipient, Recipient.normalized(recipient))) }
        return terms
    }
}

extension IngestResult {
    fileprivate init(_ appended: RecordStore.Appended, otherwise refusal: Outcome?) {
        switch appended {
        case .stored(let ingestedAt, let expiresAt):
            self.init(outcome: .stored, ingestedAt: ingestedAt, expiresAt: expiresAt)
        case .duplicate(let ingestedAt, let expiresAt):
            self.init(outcome: .duplicate, ingestedAt: ingestedAt, expiresAt: expiresAt)
        case .notKept:
            self.init(outcome: refusal ?? .exportDisabled)
        }
    }
}
