/// Decides what time it is: the wall clock's, unless that is doubtful. A pure value: clocks are read by whoever asks.
///
/// The boot clock only goes forward, at the pace of real time, also while the machine sleeps; it says nothing about the date.
public struct TrustedClock: Hashable, Sendable {
    /// Why the wall clock is not believed.
    public enum Doubt: String, Hashable, Sendable, CaseIterable {
        /// It shows a time that was over at the last note.
        case behind
        /// It moved against the boot clock.
        case moved
        /// At the start it was far ahead of the last note.
        case ahead
    }

    /// Nil: the wall clock is believed.
    public private(set) var doubt: Doubt?
    /// The last time that was kept on disk.
    private var noted: Instant
    /// A time that was believed, and what the boot clock showed then, in milliseconds.
    private var anchor: (time: Instant, boot: Int64)

    /// At a start.
    ///
    /// - Parameters:
    ///   - boot: the boot clock, in milliseconds.
    ///   - noted: what an earlier one noted last; nil: there was none.
    public init(wall: Instant, boot: Int64, noted: Instant?) {
        self.noted = noted ?? wall
        let farAhead = self.noted.milliseconds + Int64(Limits.clockAheadDays) * Day.milliseconds
        doubt = wall < self.noted ? .behind : wall.milliseconds > farAhead ? .ahead : nil
        anchor = (doubt == nil ? wall : self.noted, boot)
    }

    /// What time it is.
    public mutating func now(wall: Instant, boot: Int64) -> Instant {
        let expected = Instant(milliseconds: anchor.time.milliseconds + max(0, boot - anchor.boot))
        let isNear = abs(wall.milliseconds - expected.milliseconds) <= Int64(Limits.clockToleranceSeconds) * 1000
        let isBehind = wall < noted
        if doubt == nil {
            doubt = isBehind ? .behind : isNear ? nil : .moved
        } else if isNear, !isBehind {
            // They agree again.
            doubt = nil
            anchor = (wall, boot)
        }
        return doubt == nil ? wall : expected
    }

    /// What is to be kept on disk now.
    public mutating func note(wall: Instant, boot: Int64) -> Instant {
        noted = max(noted, now(wall: wall, boot: boot))
        return noted
    }

    /// Somebody who knows says that the wall clock is right.
    public mutating func confirm(wall: Instant, boot: Int64) {
        (doubt, noted, anchor) = (nil, wall, (wall, boot))
    }

    /// Clocks are equal when they answer alike.
    public static func == (left: TrustedClock, right: TrustedClock) -> Bool {
        left.doubt == right.doubt && left.noted == right.noted && left.anchor == right.anchor
    }

    /// As equality is.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(doubt)
        hasher.combine(noted)
        hasher.combine(anchor.time)
        hasher.combine(anchor.boot)
    }
}

/// What the daemon's clocks say.
public struct ClockReading: Hashable, Sendable {
    /// What time the daemon goes by.
    public var trusted: Instant
    /// What its machine's clock shows.
    public var wall: Instant
    /// Why that is not believed; nil: it is.
    public var doubt: TrustedClock.Doubt?

    public init(trusted: Instant, wall: Instant, doubt: TrustedClock.Doubt?) {
        self.trusted = trusted
        self.wall = wall
        self.doubt = doubt
    }
}
