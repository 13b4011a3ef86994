package import Model

/// Why there is no record of a sequence.
package enum Absence: String, Hashable, Sendable, CaseIterable {
    /// It was erased.
    case erased
    /// It cannot be read any more.
    case damaged
    /// Its time was over.
    case expired
    /// Nobody was ever told that it is stored: a write failed, or the daemon was stopped.
    case void

    /// Whether there was a record.
    package var isLoss: Bool { self != .void }
}

/// Sequences of which there is no record, for one reason.
package struct AbsentRange: Hashable, Sendable {
    /// From the first to the last.
    package let sequences: ClosedRange<UInt64>
    /// Why.
    package let reason: Absence
}

extension RecordStore {
    /// Why there are no records of these sequences, of which none was read: without gaps, in their order. Blocks.
    ///
    /// - Parameter destroyed: sequences of records that expired and were destroyed, as far as they are known elsewhere.
    /// - Throws: `io`.
    package func absences(
        in sequences: ClosedRange<UInt64>, destroyed: [ClosedRange<UInt64>]
    ) throws(DatasetError) -> [AbsentRange] {
        var marks = (destroyed + expired.compactMap(\.sequences)).map { AbsentRange(sequences: $0, reason: .expired) }
        let (found, lowest) = try reading { (segments) throws(DatasetError) in
            var found: [AbsentRange] = []
            for segment in segments {
                found += segment.lost.map { AbsentRange(sequences: $0, reason: .damaged) }
                for sequence in try segment.erased(in: sequences) {
                    found.append(AbsentRange(sequences: sequence...sequence, reason: .erased))
                }
                found += try segment.unreadable(in: sequences).map { AbsentRange(sequences: $0, reason: .damaged) }
            }
            return (found, segments.compactMap(\.lowestSequence).min())
        }
        marks += found
        // What came before all that is there is not there any more.
        if let lowest, lowest > 1 { marks.append(AbsentRange(sequences: 1...lowest - 1, reason: .expired)) }
        return AbsentRange.cover(sequences, with: marks)
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

    /// Sequences of the batches there that cannot be read: damaged since their index was made.
    fileprivate func unreadable(in sequences: ClosedRange<UInt64>) throws(DatasetError) -> [ClosedRange<UInt64>] {
        guard records > 0, sequences.overlaps(firstSequence...lastSequence) else { return [] }
        var unreadable: [ClosedRange<UInt64>] = []
        var cursor = sequences.lowerBound - 1
        while let batch = try batch(after: cursor), batch.firstSequence <= sequences.upperBound {
            cursor = batch.lastSequence
            do throws(DatasetError) { _ = try records(of: batch) } catch {
                guard error.code == .corrupt else { throw error }
                unreadable.append(batch.firstSequence...batch.lastSequence)
            }
        }
        return unreadable
    }

    /// Sequences of erased records, in their order.
    fileprivate func erased(in sequences: ClosedRange<UInt64>) throws(DatasetError) -> [UInt64] {
        guard hasTombstones else { return [] }
        var erased: [UInt64] = []
        switch index {
        case .open(let index): erased = index.tombstones.map(\.known.sequence)
        case .sealed(let index):
            try index.forEachIDs { ids in erased += ids.filter(\.known.isErased).map(\.known.sequence) }
        }
        return erased.filter(sequences.contains).sorted()
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
