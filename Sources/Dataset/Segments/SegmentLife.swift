package import Model

/// Whose days count, and how long records are kept.
package struct RetentionPolicy: Hashable, Sendable {
    /// Whose days count.
    package let zone: Zone
    /// Days that records are kept.
    package let retention: Retention

    package init(zone: Zone, retention: Retention) {
        self.zone = zone
        self.retention = retention
    }
}

/// What the segments of one day have in common, fixed when the first of them is made: later settings change later days.
struct SegmentLife: Hashable {
    let zone: String
    let day: Day
    let expiry: Instant
    /// When the day is.
    let hours: Range<Instant>

    init(_ policy: RetentionPolicy, at instant: Instant) {
        zone = policy.zone.name
        day = policy.zone.day(containing: instant)
        expiry = policy.retention.expiry(of: day, in: policy.zone)
        hours = SegmentLife.hours(of: day, in: policy.zone)
    }

    /// Nil for a zone that is not known any more: nothing is added to its segments.
    init?(_ identity: SegmentIdentity) {
        guard let zone = try? Zone(identity.zone) else { return nil }
        self.zone = identity.zone
        day = identity.day
        expiry = identity.expiry
        hours = SegmentLife.hours(of: day, in: zone)
    }

    /// Whether a segment is of this day.
    func covers(_ identity: SegmentIdentity) -> Bool { identity.day == day && identity.zone == zone }

    private static func hours(of day: Day, in zone: Zone) -> Range<Instant> {
        zone.start(of: day)..<zone.start(of: Day(number: day.number + 1))
    }
}
