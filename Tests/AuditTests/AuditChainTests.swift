import Audit
import Model
import Testing

@Suite struct AuditChainTests {
    private let key = SigningKey.random()

    private func event(_ object: String) -> AuditEvent {
        AuditEvent(
            chain: "", number: 0, time: Instant(milliseconds: 1000), user: 7, action: .configurationEdit, object: object,
            outcome: .done, detail: "version 2")
    }

    private func chain(_ count: Int, name: String = "sandbox") -> (events: [AuditEvent], head: AuditHead) {
        var head = AuditChain.begin(name, at: Instant(milliseconds: 0), key: key)
        let events = (0..<count).map { index in
            var event = event("object \(index)")
            AuditChain.append(&event, to: &head, key: key)
            return event
        }
        return (events, head)
    }

    private func verify(_ events: [AuditEvent], _ head: AuditHead, _ publicKey: [UInt8]? = nil) -> AuditVerifier.Break? {
        do throws(AuditVerifier.Break) {
            var verifier = try AuditVerifier(head, publicKey: publicKey ?? key.publicKey)
            for event in events { try verifier.take(event) }
            try verifier.finish()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a chain as it was recorded is good, an empty one too`() {
        let (events, head) = chain(5)
        #expect(verify(events, head) == nil)
        let (none, empty) = chain(0)
        #expect(verify(none, empty) == nil)
    }

    @Test func `whatever is changed in an event is found, and named`() {
        let (events, head) = chain(5)
        let changes: [(inout AuditEvent) -> Void] = [
            { $0.time = Instant(milliseconds: 1001) }, { $0.user = 8 }, { $0.user = nil }, { $0.action = .configurationCreate },
            { $0.object = "other" }, { $0.outcome = .failed }, { $0.count = 2 }, { $0.detail = "" }, { $0.hash[0] ^= 1 },
        ]
        for change in changes {
            var changed = events
            change(&changed[2])
            #expect(verify(changed, head)?.number == 3)
        }
    }

    @Test func `an event removed, inserted, moved or cut off the end or the beginning is found, and named`() {
        let (events, head) = chain(5)
        #expect(verify(events.enumerated().filter { $0.offset != 1 }.map(\.element), head)?.number == 2)
        #expect(verify(Array(events[0...1] + [events[1]] + events[2...]), head)?.number == 3)
        #expect(verify([events[1], events[0]] + events[2...], head)?.number == 1)
        #expect(verify(events.dropLast(2), head)?.number == 4)
        #expect(verify(Array(events.dropFirst()), head)?.number == 1)
        var added = head
        var extra = event("one more")
        AuditChain.append(&extra, to: &added, key: SigningKey.random())
        #expect(verify(events + [extra], added)?.number == nil, "a head that another key signed")
        #expect(verify(events + [extra], added) != nil)
        #expect(verify(events + [extra], head)?.number == 6)
    }

    @Test func `a head cannot be changed, nor taken from another chain`() {
        let (events, head) = chain(5)
        var shorter = head
        (shorter.number, shorter.hash) = (4, events[3].hash)
        #expect(verify(events.dropLast(), shorter) != nil, "the signature is of another")
        let other = chain(5, name: "other")
        #expect(verify(events, other.head)?.number == 1)
        #expect(verify(events, head, SigningKey.random().publicKey) != nil)
        #expect(verify(events, head, []) != nil, "what is no key fits nothing")
    }

    @Test func `events whose time is over go from the beginning, and the rest is good`() {
        var (events, head) = chain(5)
        AuditChain.drop(through: events[1], of: &head, key: key)
        #expect(verify(Array(events.dropFirst(2)), head) == nil)
        #expect(verify(Array(events.dropFirst(3)), head)?.number == 3)
        #expect(verify(events, head)?.number == 3)
    }

    @Test func `texts do not run into each other`() {
        var (one, two) = (event("ab"), event("a"))
        one.detail = "c"
        two.detail = "bc"
        var (first, second) = (AuditChain.begin("", at: one.time, key: key), AuditChain.begin("", at: one.time, key: key))
        AuditChain.append(&one, to: &first, key: key)
        AuditChain.append(&two, to: &second, key: key)
        #expect(one.hash != two.hash)
    }
}
