import Messages
import Model
import NIOCore
import RPC
import TestSupport
import Testing

/// Each rule that a ttrpc server keeps (Protos/PROTOCOL.md), by bytes on a real socket, as Go's and Rust's clients send them.
@Suite struct ConformanceTests {
    typealias S = TestServer

    // MARK: Golden traces

    @Test func `unary: one Request, one Response`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.echo.request(1, [1, 2]))
            #expect(try peer.readFrame() == .response(1, [1, 2]))
        }
    }

    @Test func `an OK without a result is an empty Response`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.echo.request(1))
            let frame = try peer.readFrame()
            #expect(frame == Frame(streamID: 1, kind: .response, data: []), "the status of OK is absent")
        }
    }

    @Test(arguments: [Frame.Flags.remoteOpen, [.remoteOpen, .noData], []])
    func `client-streaming: a Request, Data, a closing Data; one Response`(flags: Frame.Flags) async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.join.request(1, flags: flags), .data(1, [1]), .data(1, []), .data(1, [2, 3]), .end(1))
            #expect(try peer.readFrame() == .response(1, [1, 2, 3]))
            var received: [TestServer.Event] = []
            for await event in server.events {
                received.append(event)
                if event == .closed("Join") { break }
            }
            #expect(
                received == [.received("Join", [1]), .received("Join", []), .received("Join", [2, 3]), .closed("Join")],
                "no message comes with a Request of none, and one of no bytes is one")
        }
    }

    @Test func `client-streaming: the first message may come with the Request`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.join.request(1, [9], flags: .remoteOpen), .data(1, [1]), .end(1))
            #expect(try peer.readFrame() == .response(1, [9, 1]))
            try peer.write(S.join.request(3, [9], flags: .remoteClosed))
            #expect(try peer.readFrame() == .response(3, [9]), "and be the last")
        }
    }

    @Test func `client-streaming: the last Data may carry a message, and there is one Response`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.join.request(1, flags: .remoteOpen), .data(1, [1]), .data(1, [2], flags: .remoteClosed))
            #expect(try peer.readFrame() == .response(1, [1, 2]))
            try peer.write(S.echo.request(3, [3]))
            #expect(try peer.readFrame() == .response(3, [3]), "no second one")
        }
    }

    @Test(arguments: [Frame.Flags.remoteClosed, []])
    func `server-streaming: Data, an empty one too, then a closing Data without a message`(flags: Frame.Flags) async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.count.request(1, [0, 0, 0], flags: flags))
            for expected in [Frame.data(1, [0]), .data(1, [1]), .data(1, []), .end(1)] {
                #expect(try peer.readFrame() == expected)
            }
            try peer.write(S.count.request(3, [], flags: flags))
            #expect(try peer.readFrame() == .end(3), "none at all: never an empty Response, which would be a message")
        }
    }

    @Test func `bidirectional: Data both ways, each side closes its own`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.chat.request(1, flags: .remoteOpen), .data(1, [7]))
            #expect(try peer.readFrame() == .data(1, [7]))
            try peer.write(.data(1, [8]), .end(1))
            #expect(try peer.readFrame() == .data(1, [8]))
            #expect(try peer.readFrame() == .end(1))
        }
    }

    @Test func `what comes together is one turn, which ends before its call is closed, and after so many at the latest`()
        async throws
    {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.gather.request(1, flags: .remoteOpen), .data(1, [1]), .data(1, [2]), .end(1))
            #expect(try peer.readFrame() == .data(1, [1, 2]))
            #expect(try peer.readFrame() == .end(1))
            // Two calls take turns on one connection.
            try peer.write(
                S.gather.request(3, flags: .remoteOpen), S.gather.request(5, flags: .remoteOpen), .data(3, [3]), .data(5, [5]),
                .data(3, [4]))
            #expect(try (0..<3).map { _ in try peer.readFrame() } == [.data(3, [3]), .data(5, [5]), .data(3, [4])])
            let many = (0..<Limits.callsPerTurn + 6).map { UInt8($0) }
            var bytes = ByteBuffer()
            for byte in many { Frame.data(3, [byte]).write(into: &bytes) }
            try peer.write(Array(bytes.readableBytesView))
            #expect(try peer.readFrame() == .data(3, Array(many.prefix(Limits.callsPerTurn))))
            #expect(try peer.readFrame() == .data(3, Array(many.suffix(6))))
        }
    }

    @Test func `what waits for a turn's end is done once all that came is received, and told whether it is alone`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.turn.request(1, [1]), S.turn.request(3, [3]))
            #expect(try (0..<2).map { _ in try peer.readFrame() } == [.response(1, [1]), .response(3, [3])])
            try peer.write(S.turn.request(5, [5]))
            #expect(try peer.readFrame() == .response(5, [5]))
            var events = server.events.makeAsyncIterator()
            let expected: [TestServer.Event] = [
                .received("Turn", [1]), .received("Turn", [3]), .turnEnded(isAlone: false), .turnEnded(isAlone: false),
                .received("Turn", [5]), .turnEnded(isAlone: true),
            ]
            for event in expected { #expect(await events.next() == event) }
        }
    }

    @Test(arguments: [[4, 4, 1, 1, 1000], [1], [11], [3, 7]])
    func `frames are the same however their bytes come`(pieces: [Int]) async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(
                S.echo.request(1, [5]), S.join.request(3, flags: .remoteOpen), .data(3, [6]), .end(3), pieces: pieces)
            #expect(try peer.readFrame() == .response(1, [5]))
            #expect(try peer.readFrame() == .response(3, [6]))
        }
    }

    @Test func `stream ids may come in any order, and again when their calls are over`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            for id: UInt32 in [5, 3, 4_294_967_295, 1, 5] {
                try peer.write(S.echo.request(id, [UInt8(id & 0xFF)]))
                #expect(try peer.readFrame() == .response(id, [UInt8(id & 0xFF)]))
            }
        }
    }

    @Test func `flags of a Request do not change what kind of call it is`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.echo.request(1, [1], flags: [.remoteOpen, .noData, .remoteClosed]), .end(1))
            #expect(try peer.readFrame() == .response(1, [1]))
            try peer.write(S.echo.request(3, [2]))
            #expect(try peer.readFrame() == .response(3, [2]), "closing a side that was never open says nothing")
        }
    }

    @Test func `a status travels with its typed detail`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(
                Frame(streamID: 1, kind: .request, data: RequestEnvelope(service: "x", method: "y", payload: []).packed))
            let envelope = try ResponseEnvelope(packed: #require(try peer.readFrame()).data)
            #expect(envelope == .failure(Status(.unimplemented, "there is no such service", field: "service", reason: .unknown)))
        }
    }

    // MARK: What breaks a rule

    private func answer(_ frames: Frame...) async throws -> [Status.Code?] {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            for frame in frames { try peer.write(frame) }
            // What is answered before this has an answer.
            try peer.write(S.echo.request(999, [1]))
            var codes: [Status.Code?] = []
            while let frame = try peer.readFrame(), frame.streamID != 999 { codes.append(frame.code) }
            return codes
        }
    }

    @Test(arguments: [UInt32(0), 2, 4_294_967_294])
    func `an even stream id is refused`(id: UInt32) async throws {
        #expect(try await answer(S.echo.request(id)) == [.invalidArgument])
        #expect(try await answer(.data(id, [1])) == [.invalidArgument])
    }

    @Test func `an id in use is refused: its call is given up, and has one answer`() async throws {
        #expect(try await answer(S.silent.request(1), S.echo.request(1)) == [.invalidArgument])
        #expect(try await answer(S.chat.request(1), S.chat.request(1)) == [.invalidArgument])
    }

    @Test func `types that are not known, and Responses, are passed over`() async throws {
        #expect(try await answer(Frame(streamID: 1, rawKind: 9, flags: [], data: [1]), .response(1, [1])) == [])
    }

    @Test func `Data on a stream that never was is refused, Data that is late is passed over`() async throws {
        #expect(try await answer(.data(1, [1])) == [.invalidArgument])
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.echo.request(5, [5]))
            #expect(try peer.readFrame() == .response(5, [5]))
            try peer.write(.data(5, [1]), .data(3, [1]), .end(3), S.echo.request(7, [7]))
            #expect(try peer.readFrame() == .response(7, [7]))
        }
    }

    @Test func `Data on a call that takes one message gives it up`() async throws {
        #expect(try await answer(S.silent.request(1), .data(1, [1])) == [.invalidArgument])
    }

    @Test func `Data after the closing one gives the call up`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.silent.request(1, flags: .remoteClosed), .data(1, [1], flags: .remoteClosed))
            #expect(try peer.readFrame()?.code == .invalidArgument)
        }
    }

    @Test func `a body that is no envelope, an unknown service, an unknown method`() async throws {
        #expect(try await answer(Frame(streamID: 1, kind: .request, data: [0xFF, 0xFF])) == [.invalidArgument])
        let unknown = RequestEnvelope(service: "test.Nothing", method: "Echo", payload: []).packed
        #expect(try await answer(Frame(streamID: 1, kind: .request, data: unknown)) == [.unimplemented])
        #expect(try await answer(TestServer.name("Nothing").request(1)) == [.unimplemented])
        // Group tags, which libprotobuf-c does not take.
        #expect(try await answer(Frame(streamID: 1, kind: .request, data: [0x0B, 0x0C])) == [.invalidArgument])
    }

    @Test func `metadata over the limit is refused: it would be kept as long as the call, and counted nowhere`() async throws {
        let metadata = [RequestEnvelope.Metadata(key: "k", value: String(repeating: "x", count: Limits.envelopeBytes))]
        let envelope = RequestEnvelope(service: "test.Echo", method: "Chat", payload: [], metadata: metadata)
        #expect(try await answer(Frame(streamID: 1, kind: .request, data: envelope.packed)) == [.resourceExhausted])
    }

    @Test func `a deadline that has passed when it is sent`() async throws {
        #expect(try await answer(S.echo.request(1, timeout: -1)) == [.deadlineExceeded])
        #expect(try await answer(S.echo.request(1, timeout: .min)) == [.deadlineExceeded])
        #expect(try await answer(S.echo.request(1, timeout: .max)) == [.ok])
    }

    @Test func `a deadline that passes ends the call, and it is cancelled`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.silent.request(1, timeout: 20_000_000), S.hoard.request(3, flags: .remoteOpen, timeout: 20_000_000))
            #expect(try Set([peer.readFrame()?.code, peer.readFrame()?.code]) == [.deadlineExceeded])
            var cancelled: Set<String> = []
            for await event in server.events {
                if case .cancelled(let name) = event { cancelled.insert(name) }
                if cancelled.count == 2 { break }
            }
            for call in server.takeHeld() { call.answer(.success([1])) }
            try peer.write(S.echo.request(1, [1]))
            #expect(try peer.readFrame() == .response(1, [1]), "no second answer, and the id is free")
        }
    }

    @Test func `a frame over the limit is answered on its stream, its data skipped, and the connection goes on`() async throws {
        let over = [UInt8](repeating: 0, count: Limits.frameBytes + 1)
        let request = Frame(streamID: 1, kind: .request, data: over)
        #expect(try await answer(request) == [.resourceExhausted])
        #expect(try await answer(S.chat.request(1), .data(1, over)) == [.resourceExhausted])
        #expect(try await answer(.data(1, over), .response(3, over)) == [], "not for a call: passed over")
    }

    @Test func `a frame that says it is longer than ttrpc allows closes the connection`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write([1, 0, 0, 0])
            #expect(try peer.readFrame() == nil)
        }
    }

    @Test(arguments: [
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"), ("GET / HTTP/1.1\r\n\r\n", "HTTP/1"), ("\u{16}\u{03}\u{01}\u{02}", "TLS"),
    ])
    func `who speaks another protocol is told from its first bytes, and closed`(bytes: String, name: String) async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(Array(bytes.utf8))
            #expect(try peer.readFrame() == nil)
            for await event in server.events {
                guard case .refused(let why) = event else { continue }
                #expect(why.contains("looks like \(name)"))
                break
            }
        }
    }

    @Test func `an answer that does not fit a frame is an error`() async throws {
        #expect(try await answer(S.large.request(1)) == [.resourceExhausted])
    }

    @Test func `a peer that closes its writing side after its request is gone: what it began is cancelled`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            try peer.write(S.silent.request(1), S.chat.request(3), S.join.request(5, flags: .remoteOpen), .data(5, [1]))
            peer.shutWrite()
            #expect(try peer.readFrame() == nil)
            var cancelled: Set<String> = []
            for await event in server.events {
                if case .cancelled(let name) = event { cancelled.insert(name) }
                if cancelled == ["Silent", "Chat", "Join"] { break }
            }
        }
    }
}
