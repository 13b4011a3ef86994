import Model
import TestSupport
import Testing

/// What time it is when clocks lie.
@Suite struct TrustedClockTests {
    private let start = Instant(milliseconds: 1_795_435_200_000)
    private let minute: Int64 = 60_000
    private var day: Int64 { 1440 * minute }

    private func at(_ milliseconds: Int64) -> Instant { Instant(milliseconds: start.milliseconds + milliseconds) }

    @Test func `a wall clock that keeps pace with the boot clock is believed, corrections of less than five minutes too`() {
        var clock = TrustedClock(wall: start, boot: 500, noted: nil)
        #expect(clock.now(wall: at(day), boot: 500 + day) == at(day))
        #expect(clock.now(wall: at(day + 5 * minute), boot: 500 + day) == at(day + 5 * minute))
        #expect(clock.now(wall: at(day - 5 * minute), boot: 500 + day) == at(day - 5 * minute))
        #expect(clock.doubt == nil)
    }

    @Test func `moved more than five minutes against the boot clock it is not, and time goes on from the last good one`() {
        for jump in [5 * minute + 1, -(5 * minute + 1), 400 * day, -400 * day] {
            var clock = TrustedClock(wall: start, boot: 0, noted: nil)
            #expect(clock.now(wall: at(minute), boot: minute) == at(minute))
            #expect(clock.now(wall: at(2 * minute + jump), boot: 2 * minute) == at(2 * minute))
            #expect(clock.doubt == (jump > 0 || at(2 * minute + jump) >= start ? .moved : .behind))
            #expect(clock.now(wall: at(10 * minute + jump), boot: 10 * minute) == at(10 * minute), "at the boot clock's pace")
            #expect(clock.now(wall: at(11 * minute), boot: 11 * minute) == at(11 * minute))
            #expect(clock.doubt == nil, "they agree again")
        }
    }

    @Test func `steps that are small each do not add up unseen`() {
        var clock = TrustedClock(wall: start, boot: 0, noted: nil)
        var boot: Int64 = 0
        for step in 1...10 {
            boot += minute
            _ = clock.now(wall: at(boot + Int64(step) * minute), boot: boot)
        }
        #expect(clock.doubt == .moved)
    }

    @Test func `behind the last note it is not believed, whoever set it back while the daemon was away`() {
        var clock = TrustedClock(wall: at(-day), boot: 0, noted: start)
        #expect(clock.doubt == .behind)
        #expect(clock.now(wall: at(-day + minute), boot: minute) == at(minute))
        #expect(clock.note(wall: at(-day + minute), boot: minute) == at(minute), "what is noted never goes back")
        #expect(clock.now(wall: at(2 * minute), boot: 2 * minute) == at(2 * minute))
        #expect(clock.doubt == nil)
    }

    @Test func `at a start more than thirty days ahead of the last note it is not believed`() {
        let good = TrustedClock(wall: at(30 * day), boot: 0, noted: start)
        #expect(good.doubt == nil, "so long may a daemon be away")
        var clock = TrustedClock(wall: at(30 * day + 1), boot: 0, noted: start)
        #expect(clock.doubt == .ahead)
        #expect(clock.now(wall: at(30 * day + 1 + minute), boot: minute) == at(minute))
    }

    @Test func `what an administrator confirms is believed, forwards and backwards`() {
        for jump in [400 * day, -400 * day] {
            var clock = TrustedClock(wall: at(jump), boot: 0, noted: start)
            #expect(clock.doubt != nil)
            clock.confirm(wall: at(jump), boot: 0)
            #expect(clock.doubt == nil && clock.now(wall: at(jump + minute), boot: minute) == at(jump + minute))
            #expect(clock.note(wall: at(jump + minute), boot: minute) == at(jump + minute))
        }
    }

    @Test
    func
        `whatever the wall clock does, trusted time never runs ahead of it and of the boot clock both by more than five minutes`()
    {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var (boot, offset): (Int64, Int64) = (0, 0)
            var clock = TrustedClock(wall: start, boot: 0, noted: nil)
            var last = start
            for _ in 0..<100 {
                boot += Int64.random(in: 0...minute, using: &generator)
                if Int.random(in: 0..<10, using: &generator) == 0 {
                    offset = Int64.random(in: -2 * day...2 * day, using: &generator)
                } else if Int.random(in: 0..<3, using: &generator) == 0 {
                    offset += Int64.random(in: -minute...minute, using: &generator)
                }
                let now = clock.now(wall: at(boot + offset), boot: boot)
                // Since the start the boot clock has gone that far, and each agreement may add the tolerance.
                #expect(now.milliseconds - last.milliseconds >= -10 * minute, "SEED=\(seed)")
                #expect(clock.doubt != nil || now == at(boot + offset), "SEED=\(seed)")
                last = now
            }
        }
    }
}
