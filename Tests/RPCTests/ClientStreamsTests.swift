import Messages
import Model
import RPC
import TestSupport
import Testing

/// A client's rules, without a network: whatever a server sends has an end.
@Suite struct ClientStreamsTests {
    typealias S = TestServer

    private func code(_ action: ClientStreams.Action) -> Status.Code? {
        if case .end(_, _, let status) = action { status?.code } else { nil }
    }

    @Test func `ids are odd and count up; one that is in use is passed over when they come round`() {
        var streams = ClientStreams()
        #expect([streams.begin(S.echo), streams.begin(S.chat), streams.begin(S.echo)] == [1, 3, 5])
        #expect(streams.forget(3) == true)
        #expect(streams.forget(3) == false)
        #expect(streams.begin(S.echo) == 7)
        #expect(streams.count == 3)
        #expect(streams.forgetAll() == [1, 5, 7])
    }

    @Test func `a Response ends a call of any kind`() {
        for method in [S.echo, S.join, S.count, S.chat] {
            var streams = ClientStreams()
            _ = streams.begin(method)
            #expect(streams.receive(.frame(.response(1, [7]))) == .end(1, message: [7], nil))
            #expect(streams.receive(.frame(.response(1, [7]))) == .ignore, "what comes for it then is late")
        }
        var streams = ClientStreams()
        let failure = Frame(
            streamID: 1, kind: .response, data: ResponseEnvelope.failure(Status(.notFound, "no")).packed)
        _ = streams.begin(S.chat)
        #expect(code(streams.receive(.frame(failure))) == .notFound)
    }

    @Test func `an empty Response is the empty message of a call with one answer, and the end of a stream`() {
        var streams = ClientStreams()
        _ = streams.begin(S.echo)
        #expect(streams.receive(.frame(.response(1, []))) == .end(1, message: [], nil))
        _ = streams.begin(S.count)
        #expect(streams.receive(.frame(.response(3, []))) == .end(3, message: nil, nil))
    }

    @Test func `Data are messages until one closes, which may carry the last`() {
        var streams = ClientStreams()
        _ = streams.begin(S.count)
        #expect(streams.receive(.frame(.data(1, [1]))) == .message(1, [1]))
        #expect(streams.receive(.frame(.data(1, []))) == .message(1, []))
        #expect(streams.receive(.frame(.data(1, [2], flags: .remoteClosed))) == .end(1, message: [2], nil))
        _ = streams.begin(S.count)
        #expect(streams.receive(.frame(.end(3))) == .end(3, message: nil, nil))
    }

    @Test func `what a server may not send ends the call, or all of them`() {
        var streams = ClientStreams()
        _ = streams.begin(S.echo)
        #expect(code(streams.receive(.frame(.data(1, [1])))) == .internal, "Data on a call that has one answer")
        _ = streams.begin(S.echo)
        #expect(code(streams.receive(.oversize(streamID: 3, kind: 2, length: 5_000_000))) == .resourceExhausted)
        _ = streams.begin(S.echo)
        #expect(code(streams.receive(.frame(Frame(streamID: 5, kind: .response, data: [0xFF])))) == .internal)
        _ = streams.begin(S.echo)
        #expect(streams.receive(.frame(S.echo.request(7))) == .ignore)
        #expect(streams.receive(.frame(Frame(streamID: 7, rawKind: 9, flags: [], data: []))) == .ignore)
        guard case .close = streams.receive(.unreadable("why")) else { return #expect(Bool(false)) }
    }

    @Test func `pauses grow, stay within their limits, and differ`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        var backoff = Backoff(milliseconds: 10...1000)
        let pauses = (0..<12).map { _ in backoff.next(using: &generator) }
        #expect(pauses[0] >= .milliseconds(5) && pauses[0] <= .milliseconds(10), "SEED=\(seed)")
        #expect(pauses.allSatisfy { $0 <= .milliseconds(1000) })
        #expect(pauses[11] >= .milliseconds(500))
        #expect(Set(pauses).count == 12)
    }
}
