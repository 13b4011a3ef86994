import Messages
import Model
import NIOCore
import RPC
import TestSupport
import Testing

/// The rules of one connection's calls, without a network.
@Suite struct ServerStreamsTests {
    typealias S = TestServer

    private let start = NIODeadline.uptimeNanoseconds(1_000_000_000)
    private var fresh: ServerStreams { ServerStreams(methods: S.descriptions) }

    private func code(_ action: ServerStreams.Action) -> Status.Code? {
        switch action {
        case .answer(_, let status), .cancel(_, let status): status.code
        case .begin, .message, .close, .ignore: nil
        }
    }

    private func begin(_ streams: inout ServerStreams, _ frame: Frame) throws -> CallID {
        guard case .begin(let call, _) = streams.receive(frame, now: start) else {
            throw Status(.internal, "the call did not begin")
        }
        return call
    }

    @Test func `a call is ended once, and its id is free again`() throws {
        var streams = fresh
        let first = try begin(&streams, S.echo.request(1))
        #expect(streams.isOpen(first))
        #expect(streams.end(first) == true)
        #expect(streams.end(first) == false)
        let second = try begin(&streams, S.echo.request(1))
        #expect(second != first)
        #expect(streams.end(first) == false, "what an earlier call of the id says is not for this one")
        #expect(streams.isOpen(second))
    }

    @Test func `a call given up counts until its handler has ended it`() throws {
        var streams = fresh
        let call = try begin(&streams, S.echo.request(1))
        #expect(code(streams.receive(S.echo.request(1), now: start)) == .invalidArgument)
        #expect(!streams.isOpen(call))
        _ = streams.drain()
        #expect(!streams.isDrained)
        #expect(streams.end(call) == false, "nothing may be sent any more")
        #expect(streams.isDrained)
    }

    @Test func `at the limit of calls nothing more is read`() throws {
        var streams = fresh
        var calls: [CallID] = []
        for index in 0..<UInt32(Limits.callsPerConnection) {
            #expect(streams.mayRead)
            calls.append(try begin(&streams, S.silent.request(index * 2 + 1)))
        }
        #expect(!streams.mayRead)
        #expect(streams.end(calls[7]) == true)
        #expect(streams.mayRead)
    }

    @Test func `calls given up count against the limit too`() throws {
        var streams = fresh
        for _ in 0..<Limits.callsPerConnection / 2 {
            _ = try begin(&streams, S.silent.request(1))
            _ = streams.receive(S.silent.request(1), now: start)
        }
        #expect(streams.mayRead)
        for index in 1...UInt32(Limits.callsPerConnection / 2) { _ = try begin(&streams, S.silent.request(index * 2 + 1)) }
        #expect(!streams.mayRead)
    }

    @Test func `at the limit of messages in flight nothing more is read, until they are given back`() throws {
        var streams = fresh
        let call = try begin(&streams, S.chat.request(1))
        for _ in 0..<Limits.messagesInFlightPerConnection {
            #expect(streams.mayRead)
            _ = streams.receive(.data(1, [1]), now: start)
        }
        #expect(!streams.mayRead)
        streams.release(call, messages: 1, bytes: 1)
        #expect(streams.mayRead)
    }

    @Test func `at the limit of bytes in flight nothing more is read; what a call holds goes with its end`() throws {
        var streams = fresh
        let call = try begin(&streams, S.chat.request(1))
        let message = [UInt8](repeating: 0, count: 4 << 20)
        _ = streams.receive(.data(1, message), now: start)
        #expect(streams.mayRead)
        _ = streams.receive(.data(1, message), now: start)
        #expect(!streams.mayRead)
        #expect(streams.end(call) == true)
        #expect(streams.mayRead && streams.bytesHeld == 0)
    }

    @Test func `a deadline ends its call when it has come, not before, and no other`() throws {
        var streams = fresh
        let late = try begin(&streams, S.silent.request(1, timeout: 1000))
        let later = try begin(&streams, S.silent.request(3, timeout: 2000))
        let never = try begin(&streams, S.silent.request(5))
        #expect(streams.nextExpiry == start + .nanoseconds(1000))
        #expect(streams.expire(now: start + .nanoseconds(999)) == [])
        let actions = streams.expire(now: start + .nanoseconds(1000))
        #expect(actions.map(code) == [.deadlineExceeded])
        #expect(!streams.isOpen(late) && streams.isOpen(later) && streams.isOpen(never))
        #expect(streams.nextExpiry == start + .nanoseconds(2000))
        #expect(streams.expire(now: .distantFuture).count == 1)
        #expect(streams.nextExpiry == nil)
    }

    @Test func `who sends one message in many pieces must come to an end in time, however it sends`() throws {
        var streams = fresh
        let time = TimeAmount.seconds(Int64(Limits.chunksSeconds))
        let call = try begin(&streams, S.join.request(1))
        _ = streams.receive(.data(1, [1]), now: start + .seconds(1))
        #expect(streams.expire(now: start + time - .nanoseconds(1)) == [])
        #expect(streams.expire(now: start + time).map(code) == [.deadlineExceeded])
        #expect(!streams.isOpen(call))
        let closed = try begin(&streams, S.join.request(3))
        _ = streams.receive(.end(3), now: start)
        _ = try begin(&streams, S.chat.request(5))
        #expect(streams.expire(now: .distantFuture) == [], "nothing more is to come of the one, and the other may wait")
        #expect(streams.isOpen(closed))
    }

    @Test func `calls that wait for more messages are told that the server stops, and no others`() throws {
        var streams = fresh
        let chat = try begin(&streams, S.chat.request(1))
        _ = try begin(&streams, S.echo.request(3))
        let join = try begin(&streams, S.join.request(5))
        let closed = try begin(&streams, S.join.request(7))
        _ = streams.receive(.end(7), now: start)
        #expect(streams.drain() == [chat, join])
        #expect(streams.isOpen(closed))
    }

    @Test func `a draining connection refuses what is new and is done when what was under way has ended`() throws {
        var streams = fresh
        let call = try begin(&streams, S.echo.request(1))
        _ = streams.drain()
        #expect(!streams.isDrained)
        #expect(code(streams.receive(S.echo.request(3), now: start)) == .unavailable)
        #expect(streams.end(call) == true)
        #expect(streams.isDrained)
    }

    @Test func `when the peer is gone every call is given up once`() throws {
        var streams = fresh
        let calls = try [1, 3, 5].map { try begin(&streams, S.chat.request($0)) }
        #expect(streams.abandonAll() == calls)
        #expect(streams.abandonAll() == [])
        for call in calls { #expect(streams.end(call) == false) }
    }

    @Test func `whatever frames come, every call that begins can be ended, and nothing is held then`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let methods = [S.echo, S.silent, S.join, S.count, S.chat, S.hoard]
        for _ in 0..<300 {
            var streams = fresh
            var open: [CallID: (messages: Int, bytes: Int)] = [:]
            var now = start
            for _ in 0..<200 {
                now = now + .milliseconds(Int64.random(in: 0...5, using: &generator))
                let id = UInt32.random(in: 0...7, using: &generator)
                let flags = Frame.Flags(rawValue: UInt8.random(in: 0...7, using: &generator))
                let bytes = generator.bytes(Int.random(in: 0...9, using: &generator))
                let frame =
                    Bool.random(using: &generator)
                    ? Frame(streamID: id, rawKind: UInt8.random(in: 1...4, using: &generator), flags: flags, data: bytes)
                    : methods.randomElement(using: &generator)?.request(id, bytes, flags: flags, timeout: 7_000_000)
                var actions = streams.expire(now: now)
                if let frame { actions.append(streams.receive(frame, now: now)) }
                for action in actions {
                    switch action {
                    case .begin(let call, let beginning):
                        #expect(
                            open.updateValue((beginning.message == nil ? 0 : 1, beginning.message?.count ?? 0), forKey: call)
                                == nil)
                    case .message(let call, let message, _):
                        let held = try #require(open[call], "SEED=\(seed)")
                        open[call] = (held.messages + 1, held.bytes + message.count)
                    case .close(let call), .cancel(let call, _): #expect(open[call] != nil, "SEED=\(seed)")
                    case .answer, .ignore: break
                    }
                }
                guard let call = open.keys.randomElement(using: &generator), let held = open[call] else { continue }
                if Bool.random(using: &generator) {
                    streams.release(call, messages: held.messages, bytes: held.bytes)
                    open[call] = (0, 0)
                } else {
                    _ = streams.end(call)
                    open[call] = nil
                }
            }
            for call in open.keys { _ = streams.end(call) }
            _ = streams.drain()
            #expect(streams.isDrained && streams.bytesHeld == 0, "SEED=\(seed)")
        }
    }
}
