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
/// Any thread may call anything. `state` guards all that changes; it is never held over disk work. One writer at a time has `queue`, on
/// its thread or at the end of a caller's turn: it takes what waits, commits it with one sync, publishes it, and goes on until nothing
/// waits. Who reads looks at a view of the segments that nobody changes, and never holds up the writer; where files of it are gone
/// meanwhile, it looks again.
package final class RecordStore: Sendable {
    /// Answers one submission; called once, on the writer's thread, at the end of the turn, or before `append` returns. Must not block.
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
        /// How much it may take.
        package let quotas: Sandbox.Quotas
        /// New records get sequences above this; the highest any cursor or run has named.
        package let sequenceFloor: UInt64

        package init(
            sandbox: String, epoch: UInt32, folders: DatasetFolders, policy: RetentionPolicy,
            quotas: Sandbox.Quotas = Sandbox.Quotas(), sequenceFloor: UInt64
        ) {
            self.sandbox = sandbox
            self.epoch = epoch
            self.folders = folders
            self.policy = policy
            self.quotas = quotas
            self.sequenceFloor = sequenceFloor
        }
    }

    /// What a dataset tells whoever runs it. Called on its own threads, or at the end of a turn; must not block.
    package struct Reports: Sendable {
        /// A batch could not be written, or an index; once for each.
        var failure: @Sendable (DatasetError) -> Void
        /// Something on disk was found damaged that was thought to be whole.
        var damage: @Sendable (DatasetError) -> Void
        /// `isHealthy` may have changed.
        var healthChanged: @Sendable () -> Void
        /// A batch is durable: its records, the bytes it takes, and how long its sync took in nanoseconds.
        var committed: @Sendable (_ records: Int, _ bytes: Int64, _ syncNanoseconds: UInt64) -> Void

        package init(
            failure: @escaping @Sendable (DatasetError) -> Void = { _ in },
            damage: @escaping @Sendable (DatasetError) -> Void = { _ in },
            healthChanged: @escaping @Sendable () -> Void = {},
            committed: @escaping @Sendable (_ records: Int, _ bytes: Int64, _ syncNanoseconds: UInt64) -> Void = { _, _, _ in }
        ) {
            self.failure = failure
            self.damage = damage
            self.healthChanged = healthChanged
            self.committed = committed
        }
    }

    /// A segment whose time is over: nobody sees its records, and they are not destroyed yet.
    package struct Expired: Hashable, Sendable {
        /// The day of its records.
        package let day: Day
        /// How many it holds.
        package let records: UInt64
        /// From the first to the last of them; nil: there is none.
        package let sequences: ClosedRange<UInt64>?
        /// Since when nobody sees them.
        package let expiry: Instant
        let name: String
        private let segment: Segment?

        init(_ segment: Segment) {
            day = segment.identity.day
            records = segment.records
            sequences = segment.records > 0 ? segment.firstSequence...segment.lastSequence : nil
            expiry = segment.identity.expiry
            name = segment.identity.fileName
            self.segment = segment
        }

        /// One without data.
        init(_ identity: SegmentIdentity) {
            day = identity.day
            records = 0
            sequences = nil
            expiry = identity.expiry
            name = identity.fileName
            segment = nil
        }

        /// How many of its records have higher sequences: what a dataflow has not exported of them. Blocks.
        /// - Throws: `io`.
        package func records(after sequence: UInt64) throws(DatasetError) -> UInt64 {
            do throws(DatasetError) { return try segment?.count(after: sequence, through: .max) ?? 0 } catch {
                guard error.code == .corrupt else { throw error }
                // As many at most: what cannot be read must not keep it from being destroyed.
                return sequences.map { min(records, $0.upperBound - min($0.upperBound, sequence)) } ?? 0
            }
        }

        /// By their names: there is one segment of each.
        package static func == (left: Expired, right: Expired) -> Bool { left.name == right.name }

        /// As equality is.
        package func hash(into hasher: inout Hasher) { hasher.combine(name) }
    }

    private let recovered: [String]
    let settings: Settings
    let master: MasterKey
    let files: any Files
    let time: any TimeSource
    let reports: Reports
    let state: Mutex<State>
    /// The writer's.
    let queue: DiskQueue
    /// Where is looked whether an id is on disk.
    let looks: DiskQueue
    /// Where is done what may take its time.
    let upkeep: DiskQueue
    /// Where indexes are written, which others wait for.
    let sealing: DiskQueue
    /// Where files are removed that nobody can read any more.
    private let removal: DiskQueue

    /// Opens the dataset, recovering whatever an earlier stop left. Blocks for as long as reading takes what has no index: what was being
    /// written at an unclean stop.
    ///
    /// - Parameter upkeep: where is done what may take its time, beside what other datasets do there; nil: where it writes.
    /// - Throws: `wrongMasterKey`, `unsupportedVersion`, `io`. Damage does not throw: see `recoveryReports`.
    package init(
        settings: Settings, master: MasterKey, files: any Files, time: any TimeSource, upkeep: DiskQueue? = nil,
        reports: Reports = Reports()
    ) throws(DatasetError) {
        self.settings = settings
        self.master = master
        self.files = files
        self.time = time
        self.reports = reports
        queue = DiskQueue("dataset.\(settings.sandbox)")
        looks = DiskQueue("looks.\(settings.sandbox)")
        removal = upkeep == nil ? queue : DiskQueue("removal.\(settings.sandbox)")
        self.upkeep = upkeep ?? queue
        sealing = upkeep == nil ? queue : DiskQueue("sealing")
        let recovery = try Recovery(
            .init(
                folders: settings.folders, sandbox: settings.sandbox, epoch: settings.epoch, master: master, files: files,
                now: time.now))
        recovered = recovery.reports
        state = Mutex(
            State(
                nextSequence: max(settings.sequenceFloor, recovery.lastSequence) + 1, segments: SegmentList(recovery),
                policy: settings.policy, quotas: settings.quotas))
        sealing.start { [weak self] in self?.sealClosed() }
    }

    /// A record that is handed over; its completion tells when it is durable, or why it is not. On its way it is moved often: an object,
    /// so that one reference is.
    package final class Entry: Sendable {
        let submission: Submission
        let keep: Bool
        let completion: Completion

        /// - Parameter keep: false only asks whether it is there already.
        package init(_ submission: Submission, keep: Bool = true, completion: @escaping Completion) {
            self.submission = submission
            self.keep = keep
            self.completion = completion
        }
    }

    /// Runs work once, on the caller's thread, when the turn of it ends in which it is given; tells the work whether it is the only one then.
    package typealias TurnEnd = (_ work: @escaping @Sendable (_ isAlone: Bool) -> Void) -> Void

    /// Hands over records, in this order.
    ///
    /// - Parameter turnEnd: of a thread that takes turns. What is little by then, and alone, is committed there where the disk is fast: two
    ///   changes of threads would take longer. Nil: another thread commits.
    package func append(_ entries: [Entry], turnEnd: TurnEnd? = nil) {
        let now = time.now
        let taken = state.withLock { $0.take(entries, now: now) }
        taken.runAnswers()
        if taken.needsWriter, let turnEnd {
            turnEnd { [self] isAlone in writeAtTurnEnd(isAlone: isAlone) }
        } else if taken.needsWriter {
            queue.start { [self] in write() }
        }
        if taken.needsLook { looks.start { [self] in lookUntilNothingIsDoubtful() } }
    }

    /// What recovery, and reading since, found damaged, cut or missing.
    package var recoveryReports: [String] { recovered + state.withLock { $0.damage } }

    /// Tells of damage that was found in reading some segments, once; not where one of them is gone by now: it was read while it was destroyed.
    func report(damage error: DatasetError, in segments: some Sequence<SegmentID>) {
        if segments.allSatisfy(isThere) { report(damage: error) }
    }

    /// Tells of damage that was found, once.
    func report(damage error: DatasetError) {
        let isNew = state.withLock { state in
            guard state.damage.count < Limits.damageReports, !state.damage.contains(error.message) else { return false }
            state.damage.append(error.message)
            return true
        }
        if isNew { reports.damage(error) }
    }

    /// Whether it takes records: it is open, and the last batch it wrote did not fail.
    package var isHealthy: Bool { state.withLock { !$0.isClosed && !$0.hasFailed } }

    /// The highest sequence that was given so far: before anything is destroyed it must be kept elsewhere, and be the floor of the next
    /// opening, or sequences would come again.
    package var highestSequence: UInt64 { state.withLock { $0.highestSequence } }

    /// Keeps the records of later days by another policy; those of a day that has begun keep theirs.
    package func setPolicy(_ policy: RetentionPolicy) {
        state.withLock { $0.policy = policy }
    }

    /// Takes no more than this from now on.
    package func setQuotas(_ quotas: Sandbox.Quotas) {
        state.withLock { $0.meter.quotas = quotas }
    }

    /// What is to be destroyed: segments whose time is over, those of an earlier start among them.
    package var expired: [Expired] {
        let now = time.now
        return state.withLock { $0.expire(now: now) }
    }

    /// Destroys segments, keys first. When it returns, neither their keys nor their data are in any file of the dataset; what a stop
    /// cuts off goes on at the next opening. Writes wait for the keys, by files, not by records.
    ///
    /// - Throws: `io`: some of it may be done; to be called again.
    package func destroy(_ segments: [Expired]) async throws(DatasetError) {
        let left = state.withLock { $0.undestroyed }
        let names = segments.map(\.name) + left.sorted()
        let (folders, files) = (settings.folders, files)
        do throws(DiskError) {
            try await queue.run { () throws(DiskError) in try Destruction.destroyKeys(of: names, folders: folders, files: files) }
            // Beside the writer, as it takes longer the more of the files is in memory.
            try await removal.run { () throws(DiskError) in try Destruction.removeData(of: names, folders: folders, files: files)
            }
        } catch {
            throw DatasetError(.io, "\(error)")
        }
        state.withLock { state in
            state.undestroyed.subtract(left)
            state.changeSegments { $0.forget(segments) }
        }
    }

    /// Refuses what comes from now on and returns when what waited is answered and what is on disk has its index.
    package func close() async {
        prepareToClose()
        state.withLock { $0.isClosed = true }
        // One thing after the other on each queue: when this is done, so is all before it.
        await looks.run { [self] in lookUntilNothingIsDoubtful() }
        await queue.run { [self] in
            writeUntilNothingWaits()
            state.withLock { $0.endSegment() }
        }
        await upkeep.run {}
        await removal.run {}
        await sealing.run { [self] in sealClosed() }
    }
}
