import TestSupport
import Testing

@testable import Dataset

@Suite struct FairQueueTests {
    private func filled(_ sources: [UInt64: Int]) -> FairQueue<String> {
        var queue = FairQueue<String>()
        for (source, count) in sources.sorted(by: { $0.key < $1.key }) {
            for index in 0..<count { queue.append("\(source).\(index)", of: source) }
        }
        return queue
    }

    @Test func `sources take turns, and each keeps its order`() {
        var queue = filled([1: 4, 2: 1, 3: 2])
        let taken = queue.take(atMost: 100, bytes: 1000, share: 1000) { _ in 1 }
        #expect(taken.elements == ["1.0", "2.0", "3.0", "1.1", "3.1", "1.2", "1.3"])
        #expect(taken.bytes == 7 && !taken.hasQuiet)
        #expect(queue.isEmpty)
    }

    @Test func `who floods waits no less than others, and others never wait for it`() {
        var queue = filled([1: 10_000])
        queue.append("late", of: 2)
        #expect(queue.take(atMost: 2, bytes: 1000, share: 1000) { _ in 1 }.elements == ["1.0", "late"])
    }

    @Test func `no source has more than its share, but something always`() {
        var queue = filled([1: 10, 2: 3])
        let taken = queue.take(atMost: 100, bytes: 1000, share: 25) { _ in 10 }
        #expect(taken.elements == ["1.0", "2.0", "1.1", "2.1"])
        #expect(queue.take(atMost: 100, bytes: 1000, share: 5) { _ in 10 }.elements == ["1.2", "2.2"])
        #expect(queue.count == 7)
    }

    @Test func `the first is taken whatever its size, further ones only where they fit`() {
        var queue = filled([1: 2, 2: 1])
        #expect(queue.take(atMost: 100, bytes: 10, share: 10) { _ in 50 }.elements == ["1.0"])
        #expect(queue.take(atMost: 1, bytes: 1000, share: 1000) { _ in 50 }.elements.count == 1)
        #expect(queue.count == 1)
    }

    @Test func `who brings few again and again is noticed beside others, who does so by chance is not`() {
        var queue = FairQueue<Int>()
        func taken(_ counts: [UInt64: Int]) -> Bool {
            for (source, count) in counts { for number in 0..<count { queue.append(number, of: source) } }
            return queue.take(atMost: 1000, bytes: 100_000, share: 100_000) { _ in 1 }.hasQuiet
        }
        for _ in 0..<7 { #expect(!taken([1: 50, 2: 1])) }
        #expect(taken([1: 50, 2: 1]))
        #expect(!taken([2: 1]), "nobody else is there")
        for round in 0..<50 { #expect(!taken([1: 50, 3: round % 5 == 0 ? 40 : 1])) }
    }

    @Test func `whatever is put in comes out once, in the order of its source`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        var queue = FairQueue<(source: UInt64, number: Int)>()
        var put: [UInt64: Int] = [:]
        var got: [UInt64: Int] = [:]
        for _ in 0..<3000 {
            if Bool.random(using: &generator) {
                let source = UInt64.random(in: 0...5, using: &generator)
                queue.append((source, put[source, default: 0]), of: source)
                put[source, default: 0] += 1
            } else {
                let taken = queue.take(atMost: Int.random(in: 1...9, using: &generator), bytes: 30, share: 20) { $0.number % 7 }
                for element in taken.elements {
                    #expect(element.number == got[element.source, default: 0], "SEED=\(seed)")
                    got[element.source, default: 0] += 1
                }
            }
        }
        while !queue.isEmpty {
            for element in queue.take(atMost: 9, bytes: 30, share: 20, size: { $0.number % 7 }).elements {
                got[element.source, default: 0] += 1
            }
        }
        #expect(got == put, "SEED=\(seed)")
    }
}
