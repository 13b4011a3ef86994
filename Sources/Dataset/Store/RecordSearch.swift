package import Model
import Synchronization

/// Finds records by terms and times, one batch after the other, in the order of their sequences. Blocks.
///
/// What it finds may be more than what is meant: whoever asks looks at each record.
package struct RecordSearch: Sendable {
    private let store: RecordStore
    /// Of each, one must find the record.
    private let terms: [[Term]]
    private let since: Instant?
    private let until: Instant?
    private var cursor: UInt64
    /// What the terms find in the segment that is being read.
    private var found: (segment: SegmentID, sequences: [UInt64])?

    /// - Parameters:
    ///   - terms: of each list, at least one finds a record; none: all are found.
    ///   - cursor: only records with higher sequences.
    package init(
        _ store: RecordStore, terms: [[Term]], since: Instant? = nil, until: Instant? = nil, after cursor: UInt64 = 0
    ) {
        self.store = store
        self.terms = terms
        self.since = since
        self.until = until
        self.cursor = cursor
    }

    /// The sequence up to which everything was looked at.
    package var position: UInt64 { cursor }

    /// Those of the next batch that has any; nil: there are no more for now. To be asked again when there are.
    /// - Throws: `io`.
    package mutating func next() throws(DatasetError) -> [StoredRecord]? {
        while true {
            let (start, known) = (cursor, found)
            let step = try store.reading { (segments) throws(DatasetError) in try look(in: segments, after: start, known) }
            guard let step else { return nil }
            cursor = max(cursor, step.through)
            found = step.found
            let records = step.records.filter { record in
                record.sequence > start && (since.map { $0 <= record.ingestedAt } ?? true)
                    && (until.map { record.ingestedAt < $0 } ?? true)
            }
            if !records.isEmpty { return records }
        }
    }

    private struct Step {
        var records: [StoredRecord] = []
        let through: UInt64
        var found: (segment: SegmentID, sequences: [UInt64])?
    }

    private func look(
        in segments: [Segment], after start: UInt64, _ known: (segment: SegmentID, sequences: [UInt64])?
    ) throws(DatasetError) -> Step? {
        for segment in segments where segment.lastSequence > start && segment.records > 0 {
            if let times = segment.times {
                if let since, times.upperBound < since { continue }
                if let until, times.lowerBound >= until { return nil }
            }
            guard !terms.isEmpty else {
                if let step = try nextBatch(of: segment, after: start) { return step }
                continue
            }
            // What is being written grows: what was found in it before is not all.
            let isKnown = known?.segment == segment.identity.id && segment.isSealed
            let sequences = isKnown ? known?.sequences ?? [] : try self.sequences(in: segment)
            let next = sequences.partitioningIndex { $0 > start }
            guard next < sequences.count, let batch = try segment.batch(after: sequences[next] - 1) else { continue }
            let wanted = Set(sequences[next...].prefix { $0 <= batch.lastSequence })
            let records = try store.unlessDamaged(segment, [batch]).filter { wanted.contains($0.sequence) }
            return Step(records: records, through: batch.lastSequence, found: (segment.identity.id, sequences))
        }
        return nil
    }

    private func nextBatch(of segment: Segment, after start: UInt64) throws(DatasetError) -> Step? {
        guard var batch = try segment.batch(after: start) else { return nil }
        // A batch is over where the next one begins.
        while let since, let next = try segment.batch(after: batch.lastSequence), next.ingestedAt < since { batch = next }
        return Step(records: try store.unlessDamaged(segment, [batch]), through: batch.lastSequence)
    }

    private func sequences(in segment: Segment) throws(DatasetError) -> [UInt64] {
        var common: Set<UInt64>?
        for alternatives in terms {
            var some: Set<UInt64> = []
            for term in alternatives { some.formUnion(try segment.sequences(of: term)) }
            common = common?.intersection(some) ?? some
            if common?.isEmpty == true { return [] }
        }
        return common?.sorted() ?? []
    }
}

extension RecordStore {
    /// Yields whenever there may be new records, and ends when the dataset is about to be closed.
    package func watch() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state -> UInt64? in
            guard !state.isEnding else { return nil }
            state.lastWatcher += 1
            state.watchers[state.lastWatcher] = continuation
            return state.lastWatcher
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { state in _ = state.watchers.removeValue(forKey: number) }
        }
        return stream
    }

    /// Ends what takes long or waits: compaction, erasure, watches. Records are taken and read as before.
    package func prepareToClose() {
        let watchers = state.withLock { state in
            state.isEnding = true
            defer { state.watchers = [:] }
            return state.watchers
        }
        for watcher in watchers.values { watcher.finish() }
    }
}
