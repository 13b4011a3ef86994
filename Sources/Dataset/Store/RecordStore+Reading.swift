package import Model
import Synchronization

/// Reading: these block, unless they say that they do not.
extension RecordStore {
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
        /// Records by the term that they are counted by.
        package var groups: [Term: UInt64] = [:]
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

    // MARK: Counts

    /// How many records are visible now, and what they take. Does not block.
    package var totals: Totals {
        var totals = Totals()
        for segment in visible where segment.records > 0 {
            totals.records += segment.records
            totals.lastSequence = segment.lastSequence
            totals.segments += 1
            totals.bytes += UInt64(segment.size)
        }
        return totals
    }

    /// What is visible now, by days. Does not block.
    package var contents: Contents {
        var contents = Contents()
        for segment in visible where segment.records > 0 {
            if contents.firstSequence == 0 { contents.firstSequence = segment.firstSequence }
            contents.lastSequence = segment.lastSequence
            var day = contents.days[segment.identity.day] ?? .init(expiry: segment.identity.expiry)
            day.records += segment.records
            day.segments += 1
            day.bytes += UInt64(segment.size)
            day.expiry = max(day.expiry, segment.identity.expiry)
            for (group, count) in segment.groups { day.groups[Term(fingerprint: group), default: 0] += count }
            contents.days[segment.identity.day] = day
        }
        return contents
    }

    /// How many visible records have sequences after `after`, up to and with `through`.
    /// - Throws: `io`.
    package func count(after: UInt64, through: UInt64) throws(DatasetError) -> UInt64 {
        try reading { (segments) throws(DatasetError) in
            var count: UInt64 = 0
            for segment in segments { count += try segment.count(after: after, through: through) }
            return count
        }
    }

    /// How many records of that window were found damaged beyond reading when their segment's index was made. Does not block.
    package func lost(after: UInt64, through: UInt64) -> UInt64 {
        visible.flatMap(\.lost).reduce(0) { sum, range in
            let first = max(range.lowerBound, after + 1)
            let last = min(range.upperBound, through)
            return first <= last ? sum + (last - first + 1) : sum
        }
    }

    /// Message ids that are known in memory, and bytes that those of sealed segments take. Does not block.
    package var knownIDs: (count: Int, bytes: Int) { state.withLock { ($0.segments.idCount.all, $0.segments.idBytes) } }

    // MARK: Records

    /// Sequences of the records with a message id, one for each submitter that used it: read them with `record`.
    /// - Throws: `io`.
    package func sequences(of id: MessageID) throws(DatasetError) -> [UInt64] {
        try reading { (segments) throws(DatasetError) in
            var sequences: [UInt64] = []
            for submitter in Set(segments.flatMap(\.submitters)).sorted() {
                if let known = try known(Fingerprint(submitter: submitter, id: id)), !known.isErased {
                    sequences.append(known.sequence)
                }
            }
            return sequences
        }
    }

    private func known(_ fingerprint: Fingerprint) throws(DatasetError) -> KnownRecord? {
        switch state.withLock({ $0.find(fingerprint, now: time.now) }) {
        case .unknown: return nil
        case .known(let known, _): return known
        case .perhaps(let candidates):
            for case .sealed(let index) in candidates.map(\.index) {
                if let known = try index.known(fingerprint) { return known }
            }
            return nil
        }
    }

    /// Bytes of the first batch with a record after `cursor`, as it is in memory; 0: there is none.
    package func bytesToRead(after cursor: UInt64) throws(DatasetError) -> Int {
        try reading { (segments) throws(DatasetError) in
            for segment in segments { if let batch = try segment.batch(after: cursor) { return Int(batch.plainSize) } }
            return 0
        }
    }

    /// Bytes of the batch that `previousBatch` reads, as it is in memory; 0: there is none.
    package func bytesToRead(before cursor: UInt64) throws(DatasetError) -> Int {
        try reading { (segments) throws(DatasetError) in
            for segment in segments.reversed() {
                if let batch = try segment.batch(before: cursor) { return Int(batch.plainSize) }
            }
            return 0
        }
    }

    /// The next readable records after `cursor`, up to and with `through`; nil when there are none. What is damaged is reported and passed
    /// over.
    ///
    /// Goes on where it is asked to: pass the last record's sequence as the next `cursor`. Holds `Limits.batchBytes` of them in memory, or
    /// one batch that is larger.
    /// - Throws: `io`.
    package func nextRecords(after cursor: UInt64, through: UInt64) throws(DatasetError) -> [StoredRecord]? {
        var cursor = cursor
        while cursor < through {
            let position = cursor
            let found: (last: UInt64, records: [StoredRecord])? = try reading { (segments) throws(DatasetError) in
                for segment in segments {
                    let batches = try segment.batches(after: position, bytes: Limits.batchBytes)
                    guard let first = batches.first else { continue }
                    let wanted = batches.prefix { $0.firstSequence <= through }
                    guard let last = wanted.last, first.firstSequence <= through else { return nil }
                    return (last.lastSequence, try unlessDamaged(segment, wanted))
                }
                return nil
            }
            guard let found else { return nil }
            let records = found.records.filter { $0.sequence > position && $0.sequence <= through }
            if !records.isEmpty { return records }
            cursor = found.last
        }
        return nil
    }

    /// The visible records of the last readable batch that has any before sequence `cursor`, the newest last; nil when there is none.
    ///
    /// Goes back where it is asked to: pass the first record's sequence as the next `cursor`. Holds one batch in memory.
    /// - Throws: `io`.
    package func previousBatch(before cursor: UInt64) throws(DatasetError) -> [StoredRecord]? {
        var cursor = cursor
        while true {
            let position = cursor
            let found: (first: UInt64, records: [StoredRecord])? = try reading { (segments) throws(DatasetError) in
                for segment in segments.reversed() {
                    guard let batch = try segment.batch(before: position) else { continue }
                    return (batch.firstSequence, try unlessDamaged(segment, [batch]))
                }
                return nil
            }
            guard let found else { return nil }
            let records = found.records.filter { $0.sequence < position }
            if !records.isEmpty { return records }
            cursor = found.first
        }
    }

    /// The record of a sequence; nil when it is not visible.
    /// - Throws: `corrupt` when it is not what was written, or `io`.
    package func record(_ sequence: UInt64) throws(DatasetError) -> StoredRecord? {
        try reading { (segments) throws(DatasetError) in
            for segment in segments where segment.firstSequence <= sequence && sequence <= segment.lastSequence {
                guard let batch = try segment.batch(after: sequence - 1) else { continue }
                return try segment.records(of: batch).first { $0.sequence == sequence }
            }
            return nil
        }
    }

    // MARK: Views

    var visible: [Segment] {
        let now = time.now
        return state.withLock { $0.segments.visible(now: now) }
    }

    /// Whether a segment is visible: what of it cannot be read while it is destroyed is no damage.
    func isThere(_ segment: SegmentID) -> Bool { state.withLock { $0.segments.contains(segment, now: time.now) } }

    /// Reads what is visible. Where a segment was destroyed or rewritten meanwhile, or its index is damaged, it is read again.
    func reading<Value>(_ body: ([Segment]) throws(DatasetError) -> Value) throws(DatasetError) -> Value {
        var attempts = 0
        while true {
            do throws(DatasetError) {
                return try body(visible)
            } catch {
                guard let source = error.source, attempts < Limits.readAttempts else { throw error }
                attempts += 1
                guard isThere(source.segment) else { continue }
                guard source.isIndex, error.code == .corrupt else { throw error }
                report(damage: error)
                try rebuildIndex(of: source.segment)
            }
        }
    }

    /// What the disk could not read may be readable the next moment.
    private func reading<Value>(again attempts: Int, _ body: () throws(DatasetError) -> Value) throws(DatasetError) -> Value {
        for _ in 1..<attempts {
            do throws(DatasetError) { return try body() } catch {
                guard error.mayPass else { throw error }
            }
        }
        return try body()
    }

    /// The batches' records, but for those that are damaged, which is reported.
    func unlessDamaged(_ segment: Segment, _ batches: some Sequence<BatchLocation>) throws(DatasetError) -> [StoredRecord] {
        var reader: SegmentReader?
        var records: [StoredRecord] = []
        for batch in batches {
            do throws(DatasetError) {
                records += try reading(again: Limits.readAttempts) { () throws(DatasetError) in
                    if let reader { return try reader.records(of: batch) }
                    let opened = try SegmentReader(segment)
                    reader = opened
                    return try opened.records(of: batch)
                }
            } catch {
                guard isThere(segment.identity.id), error.code == .corrupt else { throw error }
                report(damage: error)
            }
        }
        return records
    }
}
