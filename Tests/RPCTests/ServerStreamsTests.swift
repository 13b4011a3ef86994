import Model
import RPC
import Testing

@Suite struct ServerStreamsTests {
    private func request(_ streamID: UInt32) -> FrameDecoder.Event {
        .frame(Frame(streamID: streamID, kind: .request, data: [1]))
    }

    private func code(_ action: ServerStreams.Action) -> Status.Code? {
        if case .answer(_, let status) = action { status.code } else { nil }
    }

    @Test func `a request is served, answered once, and its id is free again`() {
        var streams = ServerStreams()
        #expect(streams.receive(request(1)) == .serve(streamID: 1, envelope: [1]))
        #expect(streams.finish(1) == true)
        #expect(streams.finish(1) == false)
        #expect(streams.receive(request(1)) == .serve(streamID: 1, envelope: [1]))
    }

    @Test func `ids may come in any order`() {
        var streams = ServerStreams()
        for id: UInt32 in [5, 3, 1, 4_294_967_295] {
            #expect(streams.receive(request(id)) == .serve(streamID: id, envelope: [1]))
        }
    }

    @Test(arguments: [UInt32(0), 2, 4_294_967_294])
    func `an even id is refused`(id: UInt32) {
        var streams = ServerStreams()
        #expect(code(streams.receive(request(id))) == .invalidArgument)
        #expect(streams.finish(id) == false)
    }

    @Test func `an id in use is refused, and the first call's answer is not sent as a second one`() {
        var streams = ServerStreams()
        _ = streams.receive(request(1))
        for _ in 0..<3 { #expect(code(streams.receive(request(1))) == .invalidArgument) }
        streams.drain()
        #expect(!streams.isDrained, "the call goes on and counts")
        #expect(streams.finish(1) == false)
        #expect(streams.isDrained)
    }

    @Test func `an oversize frame is answered on its own stream`() {
        var streams = ServerStreams()
        let action = streams.receive(.oversize(streamID: 7, length: 5_000_000))
        #expect(code(action) == .resourceExhausted)
        guard case .answer(7, _) = action else { return #expect(Bool(false), "\(action)") }
    }

    @Test func `an unreadable stream is closed`() {
        var streams = ServerStreams()
        #expect(streams.receive(.unreadable("why")) == .close(reason: "why"))
    }

    @Test(arguments: [UInt8(2), 3])
    func `responses and data from a client are ignored`(kind: UInt8) throws {
        var streams = ServerStreams()
        let frame = Frame(streamID: 1, kind: try #require(Frame.Kind(rawValue: kind)), data: [])
        #expect(streams.receive(.frame(frame)) == .ignore)
    }

    @Test func `at the limit of calls under way nothing more is read`() {
        var streams = ServerStreams()
        for index in 0..<Limits.callsPerConnection {
            #expect(streams.mayRead)
            _ = streams.receive(request(UInt32(index) * 2 + 1))
        }
        #expect(!streams.mayRead)
        #expect(streams.finish(1) == true)
        #expect(streams.mayRead)
    }

    @Test func `a draining connection refuses what is new and is done when what was under way is answered`() {
        var streams = ServerStreams()
        _ = streams.receive(request(1))
        streams.drain()
        #expect(!streams.isDrained)
        #expect(code(streams.receive(request(3))) == .unavailable)
        #expect(streams.finish(1) == true)
        #expect(streams.isDrained)
    }
}
