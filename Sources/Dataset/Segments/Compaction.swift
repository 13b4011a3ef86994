import Model

/// Decides what is rewritten: segments that were never compressed, and small ones that follow each other on one day.
enum Compaction {
    /// The next ones to be made one of; empty: there are none.
    ///
    /// - Parameters:
    ///   - isForced: any that is not skipped.
    ///   - skipped: are as they should be.
    static func next(of segments: [Segment], isForced: Bool, skipping skipped: Set<SegmentID>) -> [Segment] {
        var group: [Segment] = []
        for segment in segments {
            let fits =
                segment.isSealed && !skipped.contains(segment.identity.id) && group.count < Limits.segmentsReplaced
                && (group.last.map { $0.identity.expiry == segment.identity.expiry && $0.identity.day == segment.identity.day }
                    ?? true)
                && total(group + [segment], \.records) <= Limits.segmentRecords
                && total(group + [segment]) { UInt64($0.size) } <= UInt64(Limits.segmentBytes)
            if fits {
                group.append(segment)
            } else {
                if isWorthIt(group, isForced) { return group }
                group = segment.isSealed && !skipped.contains(segment.identity.id) ? [segment] : []
            }
        }
        return isWorthIt(group, isForced) ? group : []
    }

    private static func total(_ segments: [Segment], _ value: (Segment) -> UInt64) -> UInt64 {
        segments.reduce(0) { $0 + value($1) }
    }

    private static func isWorthIt(_ group: [Segment], _ isForced: Bool) -> Bool {
        group.count > 1 || group.contains { isForced || $0.identity.replaces.isEmpty }
    }
}
