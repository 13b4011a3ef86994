package import Model
import Synchronization

/// Why there is no record of a sequence.
package enum Absence: String, Hashable, Sendable, CaseIterable {
    /// It was erased.
    case erased
    /// It cannot be read any more.
    case damaged
    /// Its time was over.
    case expired
    /// It was of before the dataset was begun again from a backup, which has no records: whether there was one is not known.
    case restored
    /// Nobody was ever told that it is stored: a write failed, or the daemon was stopped.
    case void

    /// Whether there was a record.
    package var isLoss: Bool { self != .void && self != .restored }
}

/// Sequences of which there is no record, for one reason.
package struct AbsentRange: Hashable, Sendable {
    /// From the first to the last.
    package let sequences: ClosedRange<UInt64>
    /// Why.
    package let reason: Absence
}

extension RecordStore {
    /// The dataset's life between resets that this is.
    package var epoch: UInt32 { settings.epoch }

    /// What is retained: the last sequence before it, and its last one. Does not block.
    package var retained: (after: UInt64, through: UInt64) {
        // First: what is committed meanwhile is visible then.
        let settled = state.withLock { $0.settledSequence }
        let segments = visible
        let through = segments.filter { $0.records > 0 }.map(\.lastSequence).max() ?? settled
        return (segments.compactMap(\.lowestSequence).min().map { $0 - 1 } ?? settled, through)
    }

    /// Why there are no records of these sequences, of which none was read: without gaps in each range, in their order. Blocks.
    ///
    /// - Parameters:
    ///   - ranges: in their order.
    ///   - destroyed: sequences of records that expired and were destroyed, as far as they are known elsewhere.
    ///   - restored: through this one, all are of before a restore; 0: there was none.
    /// - Throws: `io`, also where a record of them can be read after all: try again.
    package func absences(
        in ranges: [ClosedRange<UInt64>], destroyed: [ClosedRange<UInt64>], restored: UInt64 = 0
    ) throws(DatasetError) -> [AbsentRange] {
        // First: what is committed meanwhile is visible then.
        let settled = state.withLock { $0.settledSequence }
        var marks = (destroyed + expired.compactMap(\.sequences)).map { AbsentRange(sequences: $0, reason: .expired) }
        let (lost, erased, lowest) = try reading { (segments) throws(DatasetError) in
            var (lost, erased): ([AbsentRange], [UInt64]) = ([], [])
            for segment in segments {
                lost += segment.lost.map { AbsentRange(sequences: $0, reason: .damaged) }
                lost += try segment.unreadable(in: ranges, isThere: isThere).map { AbsentRange(sequences: $0, reason: .damaged) }
                erased += try segment.erased()
            }
            return (lost, erased.sorted(), segments.compactMap(\.lowestSequence).min() ?? settled + 1)
        }
        marks += lost
        // What came before all that is there is not there any more.
        if restored > 0 { marks.append(AbsentRange(sequences: 1...restored, reason: .restored)) }
        if lowest > restored + 1 { marks.append(AbsentRange(sequences: restored + 1...lowest - 1, reason: .expired)) }
        var next = erased[...]
        return ranges.flatMap { range in
            next = next.drop { $0 < range.lowerBound }
            let singles = next.prefix { $0 <= range.upperBound }.map { AbsentRange(sequences: $0...$0, reason: .erased) }
            return AbsentRange.cover(range, with: singles + marks.filter { $0.sequences.overlaps(range) })
        }
    }
}

extension AbsentRange {
    /// A range in parts, each for the first reason that a mark on it has, in the order of the reasons; void where there is none.
    static func cover(_ range: ClosedRange<UInt64>, with marks: [AbsentRange]) -> [AbsentRange] {
        var left = [range]
        var covered: [AbsentRange] = []
        for reason in Absence.allCases where reason != .void {
            for mark in marks where mark.reason == reason {
                var rest: [ClosedRange<UInt64>] = []
                for part in left {
                    guard part.overlaps(mark.sequences) else {
                        rest.append(part)
                        continue
                    }
                    let common = part.clamped(to: mark.sequences)
                    covered.append(AbsentRange(sequences: common, reason: reason))
                    if part.lowerBound < common.lowerBound { rest.append(part.lowerBound...common.lowerBound - 1) }
                    if part.upperBound > common.upperBound { rest.append(common.upperBound + 1...part.upperBound) }
                }
                left = rest
            }
        }
        covered += left.map { AbsentRange(sequences: $0, reason: .void) }
        covered.sort { $0.sequences.lowerBound < $1.sequences.lowerBound }
        return covered.reduce(into: []) { joined, next in
            if let last = joined.last, last.reason == next.reason, last.sequences.upperBound + 1 == next.sequences.lowerBound {
                joined[joined.count - 1] = AbsentRange(
                    sequences: last.sequences.lowerBound...next.sequences.upperBound, reason: next.reason)
            } else {
                joined.append(next)
            }
        }
    }
}

extension Segment {
    /// The lowest sequence that anything in it has; nil: there is nothing in it.
    fileprivate var lowestSequence: UInt64? {
        let (known, lost): (UInt64?, UInt64?) =
            switch index {
            case .open(let index): (index.lowestSequence, index.lost.first?.lowerBound)
            case .sealed(let index):
                (index.summary.ids > 0 ? index.summary.lowestSequence : nil, index.summary.lost.first?.lowerBound)
            }
        return [known, lost].compactMap { $0 }.min()
    }

    /// Sequences of the batches that meet one of the ranges and cannot be read: damaged since their index was made.
    /// - Throws: `corrupt` where it is gone by now.
    fileprivate func unreadable(
        in ranges: [ClosedRange<UInt64>], isThere: (SegmentID) -> Bool
    ) throws(DatasetError) -> [ClosedRange<UInt64>] {
        guard records > 0 else { return [] }
        var unreadable: [ClosedRange<UInt64>] = []
        var cursor: UInt64 = 0
        for range in ranges where range.overlaps(firstSequence...lastSequence) {
            cursor = max(cursor, range.lowerBound - 1)
            while let batch = try batch(after: cursor), batch.firstSequence <= range.upperBound {
                cursor = batch.lastSequence
                let found: [StoredRecord]
                do throws(DatasetError) { found = try records(of: batch) } catch {
                    guard error.code == .corrupt, isThere(identity.id) else { throw error }
                    unreadable.append(batch.firstSequence...batch.lastSequence)
                    continue
                }
                // It could not be read a moment ago.
                guard !found.contains(where: { range.contains($0.sequence) }) else {
                    throw DatasetError(.io, "sequence \(batch.firstSequence) can be read again")
                }
            }
        }
        return unreadable
    }

    /// Sequences of erased records.
    fileprivate func erased() throws(DatasetError) -> [UInt64] {
        guard hasTombstones else { return [] }
        switch index {
        case .open(let index): return index.tombstones.map(\.known.sequence)
        case .sealed(let index):
            var erased: [UInt64] = []
            try index.forEachIDs { ids in erased += ids.filter(\.known.isErased).map(\.known.sequence) }
            return erased
        }
    }
}

extension RecordStore {
    /// How much is visible beyond a sequence. Blocks.
    /// - Throws: `io`.
    package func backlog(after sequence: UInt64) throws(DatasetError) -> Backlog {
        try reading { (segments) throws(DatasetError) in
            var backlog = Backlog()
            for segment in segments where segment.records > 0 && segment.lastSequence > sequence {
                backlog.records += try segment.count(after: sequence, through: .max)
                let expiry = segment.identity.expiry
                backlog.oldestExpiresAt = min(backlog.oldestExpiresAt ?? expiry, expiry)
                if backlog.oldestIngestedAt == nil {
                    backlog.oldestIngestedAt = try segment.batch(after: sequence)?.ingestedAt
                }
            }
            return backlog
        }
    }
}
