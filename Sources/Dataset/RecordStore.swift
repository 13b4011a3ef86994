package import Disk
package import Model
import Synchronization

/// The message export dataset of one sandbox.
///
/// ## Invariants
/// - A completion that says stored or duplicate was called after the record's batch was durable.
/// - No two visible records share submitter and id.
/// - Sequences grow; a failed write leaves a gap, never a reuse.
///
/// ## Concurrency model
/// Any thread may call anything. `state` guards all that changes; it is never held over disk work. One writer at a time runs on
/// `queue`: it takes what waits, commits it with one sync, publishes it, and goes on until nothing waits.
package final class RecordStore: Sendable {
    /// Answers one submission; called once, on the writer's thread or before `append` returns. Must not block.
    package typealias Completion = @Sendable (Result<Appended, DatasetError>) -> Void

    /// What became of a submission, and what its submitter may know of the record.
    package enum Appended: Hashable, Sendable {
        case stored(ingestedAt: Instant, expiresAt: Instant)
        /// It was there already.
        case duplicate(ingestedAt: Instant, expiresAt: Instant)
        /// It was not there, and was not to be kept.
        case notKept
    }

    /// What a dataset is made of.
    package struct Settings: Sendable {
        /// Id of the sandbox: part of what authenticates its segments.
        package let sandbox: String
        /// The dataset's life between resets, from 1.
        package let epoch: UInt32
        /// Where its files are; made when they are missing.
        package let folders: DatasetFolders
        /// Whose days count, and how long new records are kept.
        package let policy: RetentionPolicy
        /// New records get sequences above this; the highest any cursor or run has named.
        package let sequenceFloor: UInt64

        package init(sandbox: String, epoch: UInt32, folders: DatasetFolders, policy: RetentionPolicy, sequenceFloor: UInt64) {
            self.sandbox = sandbox
            self.epoch = epoch
            self.folders = folders
            self.policy = policy
            self.sequenceFloor = sequenceFloor
        }
    }

    /// How much there is.
    package struct Totals: Hashable, Sendable {
        /// Records that are visible.
        package var records: UInt64 = 0
        /// Sequence of the newest record; 0: there is none.
        package var lastSequence: UInt64 = 0
        /// Data files.
        package var segments: UInt32 = 0
        /// Bytes of the data files.
        package var bytes: UInt64 = 0
    }

    /// What is visible.
    package struct Contents: Hashable, Sendable {
        /// Sequences of the oldest and the newest record; 0: there is none.
        package var firstSequence: UInt64 = 0
        /// Sequence of the newest record; 0: there is none.
        package var lastSequence: UInt64 = 0
        /// By the day of their ingestion.
        package var days: [Day: DayContents] = [:]
    }

    /// What is visible of one day's records.
    package struct DayContents: Hashable, Sendable {
        /// Records that are visible.
        package var records: UInt64 = 0
        /// Data files.
        package var segments: UInt32 = 0
        /// Bytes of the data files.
        package var bytes: UInt64 = 0
        /// When the last of them expires.
        package var expiry: Instant
    }

    /// A segment whose time is over.
    package struct Expired: Hashable, Sendable {
        /// The day of its records.
        package let day: Day
        /// How many it holds.
        package let records: UInt64
        /// Since when nobody sees them.
        package let expiry: Instant
        let name: String

        init(_ identity: SegmentIdentity, batches: [BatchLocation]) {
            day = identity.day
            records = batches.reduce(0) { $0 + UInt64($1.header.count) }
            expiry = identity.expiry
            name = identity.fileName
        }
    }

    /// What recovery found damaged, cut or missing.
    package let recoveryReports: [String]

    private let lost: [ClosedRange<UInt64>]
    private let settings: Settings
    private let master: MasterKey
    private let files: any Files
    private let time: any TimeSource
    private let queue: DiskQueue
    private let reportFailure: @Sendable (DatasetError) -> Void
    private let healthChanged: @Sendable () -> Void
    private let state: Mutex<State>

    /// Opens the dataset, recovering whatever an earlier stop left. Blocks for as long as reading it takes.
    ///
    /// - Parameters:
    ///   - reportFailure: is told of each batch that could not be written, once, on the writer's thread.
    ///   - healthChanged: is called when `isHealthy` may have changed, on the writer's thread.
    /// - Throws: `wrongMasterKey`, `unsupportedVersion`, `io`. Damage does not throw: see `recoveryReports`.
    package init(
        settings: Settings, master: MasterKey, files: any Files, time: any TimeSource,
        reportFailure: @escaping @Sendable (DatasetError) -> Void = { _ in }, healthChanged: @escaping @Sendable () -> Void = {}
    ) throws(DatasetError) {
        self.settings = settings
        self.master = master
        self.files = files
        self.time = time
        self.reportFailure = reportFailure
        self.healthChanged = healthChanged
        queue = DiskQueue("dataset.\(settings.sandbox)")
        let recovery = try Recovery.run(
            folders: settings.folders, sandbox: settings.sandbox, epoch: settings.epoch, master: master, files: files,
            now: time.now)
        var recovered = State(
            nextSequence: max(settings.sequenceFloor, recovery.lastSequence) + 1, segments: recovery.segments,
            expired: recovery.expired, policy: settings.policy)
        lost = recovery.lost
        for record in recovery.records { recovered.recover(record) }
        recoveryReports = recovery.reports
        state = Mutex(recovered)
    }

    /// Hands over a record; `completion` tells when it is durable, or why it is not.
    ///
    /// - Parameter keep: false only asks whether it is there already.
    package func append(_ submission: Submission, keep: Bool = true, completion: @escaping Completion) {
        let now = time.now
        let decision = state.withLock { $0.take(submission, keep: keep, now: now, completion: completion) }
        switch decision {
        case .answer(let answer): completion(answer)
        case .waits: break
        case .waitsForNewWriter: queue.start { [self] in writeUntilNothingWaits() }
        }
    }

    /// Sequences of the records with a message id, one for each submitter that used it: read them with `nextBatch`.
    package func sequences(of id: MessageID) -> [UInt64] {
        let now = time.now
        return state.withLock { $0.sequences(of: id, now: now) }
    }

    /// Bytes of the batch that `nextBatch` reads; 0: there is none.
    package func bytesToRead(after cursor: UInt64) -> Int {
        let now = time.now
        return state.withLock { $0.place(after: cursor, now: now) }.map { Int($0.1.header.sealedSize) } ?? 0
    }

    /// Bytes of the batch that `previousBatch` reads; 0: there is none.
    package func bytesToRead(before cursor: UInt64) -> Int {
        let now = time.now
        return state.withLock { $0.place(before: cursor, now: now) }.map { Int($0.1.header.sealedSize) } ?? 0
    }

    /// The records of the first batch that has any after `cursor`, up to and with `through`; nil when there is none.
    ///
    /// Goes on where it is asked to: pass the last record's sequence as the next `cursor`. Blocks; holds one batch in memory.
    /// - Throws: `corrupt` when the batch is not what was written.
    package func nextBatch(after cursor: UInt64, through: UInt64) throws(DatasetError) -> [StoredRecord]? {
        var cursor = cursor
        while cursor < through {
            let now = time.now
            let place = state.withLock { $0.place(after: cursor, now: now) }
            guard let (segment, batch) = place, batch.header.firstSequence <= through else { return nil }
            let records = try segment.records(of: batch).filter { $0.sequence > cursor && $0.sequence <= through }
            if !records.isEmpty { return records }
            cursor = batch.header.lastSequence
        }
        return nil
    }

    /// The visible records of the last batch that has any before sequence `cursor`, the newest last; nil when there is none.
    ///
    /// Goes back where it is asked to: pass the first record's sequence as the next `cursor`. Blocks; holds one batch in memory.
    /// - Throws: `corrupt` when the batch is not what was written.
    package func previousBatch(before cursor: UInt64) throws(DatasetError) -> [StoredRecord]? {
        let now = time.now
        guard let (segment, batch) = state.withLock({ $0.place(before: cursor, now: now) }) else { return nil }
        return try segment.records(of: batch).filter { $0.sequence < cursor }
    }

    /// What is visible now, by days.
    package var contents: Contents {
        let now = time.now
        return state.withLock { $0.contents(now: now) }
    }

    /// Whether it takes records: it is open, and the last batch it wrote did not fail.
    package var isHealthy: Bool { state.withLock { !$0.isClosed && !$0.hasFailed } }

    /// How many visible records have sequences after `after`, up to and with `through`.
    package func count(after: UInt64, through: UInt64) -> UInt64 {
        let now = time.now
        return state.withLock { $0.count(after: after, through: through, now: now) }
    }

    /// How many records of that window recovery found damaged beyond reading.
    package func lost(after: UInt64, through: UInt64) -> UInt64 {
        lost.reduce(0) { sum, range in
            let first = max(range.lowerBound, after + 1)
            let last = min(range.upperBound, through)
            return first <= last ? sum + (last - first + 1) : sum
        }
    }

    /// How many records are visible now, and what they take.
    package var totals: Totals {
        let now = time.now
        return state.withLock { $0.totals(now: now) }
    }

    /// What is to be destroyed: segments whose time is over, those of an earlier start among them.
    package var expired: [Expired] {
        let now = time.now
        return state.withLock { $0.expire(now: now) }
    }

    /// Message ids that are known in memory: of the visible records, and of what waits.
    package var idCount: Int { state.withLock { $0.index.count } }

    /// The highest sequence that was given so far: before anything is destroyed it must be kept elsewhere, and be the floor of the next
    /// opening, or sequences would come again.
    package var highestSequence: UInt64 { state.withLock { $0.highestSequence } }

    /// Destroys segments, keys first. When it returns, neither their keys nor their data are in any file of the dataset; what a stop
    /// cuts off goes on at the next opening. Blocks writes meanwhile, by files, not by records.
    ///
    /// - Throws: `io`: some of it may be done; to be called again.
    package func destroy(_ segments: [Expired]) async throws(DatasetError) {
        try await queue.run { [self] () throws(DatasetError) in
            do throws(DiskError) {
                try Destruction.run(segments.map(\.name), folders: settings.folders, files: files)
            } catch {
                throw DatasetError(.io, "\(error)")
            }
        }
        state.withLock { $0.forget(segments) }
    }

    /// Keeps the records of later days by another policy; those of a day that has begun keep theirs.
    package func setPolicy(_ policy: RetentionPolicy) {
        state.withLock { $0.policy = policy }
    }

    /// Refuses what comes from now on and returns when what waited is answered.
    package func close() async {
        state.withLock { $0.isClosed = true }
        // One thing after the other on the queue: when this is done, so is every writer before it.
        await queue.run { [self] in writeUntilNothingWaits() }
    }

    private func writeUntilNothingWaits() {
        while let batch = state.withLock({ $0.nextBatch(now: time.now) }) {
            do {
                var writer = try writer(for: batch)
                let location = try append(batch, to: &writer)
                let (answers, hadFailed) = state.withLock { state in
                    let hadFailed = state.hasFailed
                    return (state.publish(batch, location: location, writer: writer), hadFailed)
                }
                for answer in answers { answer.run() }
                if hadFailed { healthChanged() }
            } catch {
                let failure = DatasetError(error.isFull ? .full : .io, "\(error)")
                reportFailure(failure)
                let answers = state.withLock { $0.fail(batch, failure) }
                for answer in answers { answer.run() }
                healthChanged()
            }
        }
    }

    private func append(_ batch: State.Taken, to writer: inout SegmentWriter) throws(DiskError) -> BatchLocation {
        do {
            return try writer.append(
                batch.waiting.map(\.submission), firstSequence: batch.firstSequence, voidFrom: batch.voidFrom,
                ingestedAt: batch.ingestedAt)
        } catch {
            if writer.ordinal == 0 { SegmentWriter.remove(writer.segment.identity, folders: settings.folders, files: files) }
            throw error
        }
    }

    /// The batch's writer: the current one, or that of a new segment when the day has changed, it is full, or it failed.
    private func writer(for batch: State.Taken) throws(DiskError) -> SegmentWriter {
        let life = batch.life
        if let current = batch.writer, current.segment.identity.day == life.day, current.segment.identity.zone == life.zone,
            current.offset < Limits.segmentBytes
        {
            return current
        }
        let identity = SegmentIdentity(
            id: .random(), sandbox: settings.sandbox, epoch: settings.epoch, zone: life.zone, day: life.day, expiry: life.expiry)
        return try SegmentWriter(identity: identity, folders: settings.folders, master: master, files: files)
    }
}
