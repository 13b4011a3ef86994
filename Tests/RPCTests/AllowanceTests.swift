import RPC
import Testing

/// What connections share.
@Suite(.timeLimit(.minutes(1))) struct AllowanceTests {
    @Test func `a connection takes its share at most, and all together the limit`() {
        let allowance = Allowance(limit: 10, share: 6)
        #expect(allowance.take(6, of: 1))
        #expect(!allowance.take(1, of: 1), "its share")
        #expect(!allowance.take(5, of: 2), "the limit")
        #expect(allowance.take(4, of: 2))
        #expect(!allowance.take(1, of: 3))
        allowance.giveBack(6, of: 1)
        #expect(allowance.take(6, of: 3))
    }

    @Test func `who has its share waits alone, and what is large is not passed by what is small`() async {
        let allowance = Allowance(limit: 10, share: 6)
        #expect(allowance.take(6, of: 1))
        let order = Journal<String>()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { if await allowance.wait(1, of: 1) { order.add("more of 1") } }
            await allowance.waiting(1)
            #expect(await allowance.wait(3, of: 2), "who waits for its share does not hold up others")
            group.addTask { if await allowance.wait(6, of: 3) { order.add("large of 3") } }
            await allowance.waiting(2)
            group.addTask { if await allowance.wait(1, of: 4) { order.add("small of 4") } }
            await allowance.waiting(3)
            #expect(order.entries == [], "the small one would fit, and has its turn after the large one")
            allowance.giveBack(3, of: 2)
            await allowance.waiting(3)
            allowance.giveBack(6, of: 1)
            await group.waitForAll()
        }
        #expect(Set(order.entries) == ["more of 1", "large of 3", "small of 4"])
        #expect(!allowance.take(3, of: 9), "8 of 10 are taken")
        #expect(allowance.take(2, of: 9))
    }

    @Test func `who is cancelled takes nothing, waits no more, and lets those behind it pass`() async {
        let allowance = Allowance(limit: 4, share: 4)
        #expect(allowance.take(2, of: 1))
        await withTaskGroup(of: Bool.self) { group in
            group.addTask { await allowance.wait(4, of: 2) }
            await allowance.waiting(1)
            async let behind = allowance.wait(2, of: 3)
            await allowance.waiting(2)
            group.cancelAll()
            #expect(await group.next() == false)
            #expect(await behind)
            group.addTask { await allowance.wait(1, of: 4) }
            #expect(await group.next() == false, "cancelled before it began to wait")
        }
        #expect(!allowance.take(1, of: 1))
        #expect(await !allowance.wait(5, of: 1), "what never fits is not waited for")
    }
}

extension Allowance {
    /// Returns when so many wait.
    fileprivate func waiting(_ count: Int) async {
        while waiters != count { await Task.yield() }
    }
}
