import Foundation
import Messages
import Model
import NIOCore
import RPC
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A server and clients on a real socket.
@Suite struct ServerTests {
    typealias S = TestServer

    private func code(
        _ connection: ClientConnection, _ method: MethodDescription, _ payload: [UInt8] = [], timeout: Duration = .seconds(60)
    ) async -> Status.Code {
        do throws(Status) {
            _ = try await connection.call(method, payload, deadline: .now() + TimeAmount(timeout))
            return .ok
        } catch {
            return error.code
        }
    }

    @Test func `calls at the same time get each its own answer`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<2000 {
                    group.addTask {
                        let payload = Array("payload \(index)".utf8)
                        return try await connection.call(S.echo, payload, deadline: .now() + .seconds(60)) == payload
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == 2000)
            await connection.close()
        }
    }

    @Test func `an unknown service or method is unimplemented, and the connection goes on`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            #expect(await code(connection, S.name("None")) == .unimplemented)
            #expect(
                await code(connection, MethodDescription(name: MethodName(service: "none", method: "Echo"))) == .unimplemented)
            #expect(await code(connection, S.echo, [1]) == .ok)
            await connection.close()
        }
    }

    @Test func `an answer too large for a frame is an error, and the connection goes on`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            #expect(await code(connection, S.large) == .resourceExhausted)
            #expect(await code(connection, S.echo, [1]) == .ok)
            await connection.close()
        }
    }

    @Test func `a server that never answers does not hold a client longer than its time`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            #expect(await code(connection, S.silent, timeout: .milliseconds(50)) == .deadlineExceeded)
            #expect(await code(connection, S.echo, timeout: .milliseconds(-1)) == .deadlineExceeded)
            await connection.close()
        }
    }

    @Test func `where nobody serves, a client is told so`() async throws {
        let error = await #expect(throws: Status.self) { try await ClientConnection.connect(path: "/tmp/nobody/serves/this") }
        #expect(error?.code == .unavailable)
        let long = await #expect(throws: Status.self) {
            try await ClientConnection.connect(path: String(repeating: "x", count: 108))
        }
        #expect(long?.code == .invalidArgument)
    }

    @Test func `a call under way when the server stops is answered, and then the connection ends`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            async let answer = code(connection, S.silent, [1])
            for await event in server.events where event == .begun("Silent") { break }
            let held = server.takeHeld()
            async let stop: Void = server.stop()
            // When the connection takes no new calls, the stop has reached it.
            while await code(connection, S.echo, [1]) == .ok {}
            for call in held { call.answer(.success([])) }
            #expect(await answer == .ok)
            await stop
            #expect(await code(connection, S.echo, [1]) == .unavailable)
        }
    }

    @Test func `a peer that has too many calls under way is not read, and goes on when they are answered`() async throws {
        try await withTestServer { server in
            let greedy = try RawPeer(server.path)
            let other = try await ClientConnection.connect(path: server.path)
            let extra = 300
            let ids = (0..<UInt32(Limits.callsPerConnection + extra)).map { $0 * 2 + 1 }
            // Together: the kernel holds a few hundred small writes only, and nobody reads the last ones for now.
            var requests = ByteBuffer()
            for id in ids { S.silent.request(id).write(into: &requests) }
            try greedy.write(Array(requests.readableBytesView))
            var begun = 0
            for await event in server.events where event == .begun("Silent") {
                begun += 1
                if begun == Limits.callsPerConnection { break }
            }
            // The limit is reached: another connection is served, this one waits.
            for _ in 0..<100 { #expect(await code(other, S.echo, [1]) == .ok) }
            let held = server.takeHeld()
            #expect(held.count == Limits.callsPerConnection)
            for call in held { call.answer(.success([])) }
            for await event in server.events where event == .begun("Silent") {
                begun += 1
                if begun == ids.count { break }
            }
            for call in server.takeHeld() { call.answer(.success([])) }
            var answered: Set<UInt32> = []
            while answered.count < ids.count { answered.insert(try #require(try greedy.readFrame()).streamID) }
            #expect(answered == Set(ids))
            await other.close()
        }
    }

    @Test func `a peer that does not read its answers is not served more, and harms nobody else`() async throws {
        try await withTestServer { server in
            let raw = try RawPeer(server.path)
            let asked = 200
            for index in 0..<asked { try raw.write(S.large.request(UInt32(index) * 2 + 1, [1])) }
            let other = try await ClientConnection.connect(path: server.path)
            for _ in 0..<50 { #expect(await code(other, S.echo, [1]) == .ok) }
            // What was begun by now is all that will be until somebody reads: the channel is full.
            try raw.write(S.large.request(9999, [1]))
            for _ in 0..<50 { #expect(await code(other, S.echo, [2]) == .ok) }
            var served = 0
            var echoes = 0
            for await event in server.events {
                if event == .begun("Large") { served += 1 }
                if event == .received("Echo", [2]) { echoes += 1 }
                if echoes == 50 { break }
            }
            #expect(served < 50, "answers nobody reads do not pile up")
            for _ in 0...asked { #expect(try raw.readFrame()?.data.count ?? 0 >= 1 << 20) }
            await other.close()
        }
    }

    @Test func `answers that one peer leaves unread leave the others theirs`() async throws {
        try await withTestServer { server in
            let slow = try RawPeer(server.path)
            let asked = 200
            for index in 0..<asked { try slow.write(S.silent.request(UInt32(index) * 2 + 1)) }
            var begun = 0
            for await event in server.events where event == .begun("Silent") {
                begun += 1
                if begun == asked { break }
            }
            // Far more than all connections together may have for answers.
            for call in server.takeHeld() { call.answer(.success([UInt8](repeating: 0, count: 1 << 20))) }
            let other = try await ClientConnection.connect(path: server.path)
            async let answer = other.call(S.silent, [], deadline: .now() + .seconds(60))
            for await event in server.events where event == .begun("Silent") { break }
            for call in server.takeHeld() { call.answer(.success([UInt8](repeating: 0, count: Limits.frameBytes - 100))) }
            #expect(try await answer.count == Limits.frameBytes - 100)
            var large = 0
            for _ in 0..<asked {
                let frame = try #require(try slow.readFrame())
                if frame.data.count > 1 << 20 { large += 1 } else { #expect(frame.code == .resourceExhausted) }
            }
            #expect(large > 0 && large < asked, "it has its share, and is told of the rest")
            await other.close()
        }
    }

    @Test func `frames begun and not finished leave room for small ones, and make room for large ones when they end`()
        async throws
    {
        try await withTestServer { server in
            var idle: [RawPeer] = []
            for _ in 0..<20 {
                let peer = try RawPeer(server.path)
                try peer.write(S.echo.request(1))
                _ = try peer.readFrame()
                // A header and a byte of the largest frame there is.
                try peer.write([0, 0x40, 0, 0, 0, 0, 0, 3, 1, 0, 1])
                idle.append(peer)
            }
            let other = try await ClientConnection.connect(path: server.path)
            for _ in 0..<100 { #expect(await code(other, S.echo, [1]) == .ok) }
            let large = [UInt8](repeating: 7, count: Limits.frameBytes - 4096)
            async let answer = other.call(S.echo, large, deadline: .now() + .seconds(60))
            let third = try await ClientConnection.connect(path: server.path)
            for _ in 0..<100 { #expect(await code(third, S.echo, [1]) == .ok) }
            idle = []
            #expect(try await answer == large)
            await other.close()
            await third.close()
        }
    }

    @Test func `whoever waits for a stream is told that the server stops`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let chat = try await connection.open(S.chat)
            let join = try await connection.open(S.join)
            try await join.send([1])
            for await event in server.events where event == .received("Join", [1]) { break }
            await server.stop()
            #expect(await #expect(throws: Status.self) { try await chat.forEachMessage { _ in } } == .stopping)
            #expect(await #expect(throws: Status.self) { try await join.answer() } == .stopping)
        }
    }

    @Test func `messages of one connection that nobody takes stop the reading of it at the bound, and of no other`() async throws
    {
        try await withTestServer { server in
            let greedy = try RawPeer(server.path)
            try greedy.write(S.hoard.request(1, flags: .remoteOpen))
            let message = [UInt8](repeating: 1, count: 1 << 20)
            var buffer = ByteBuffer()
            Frame.data(1, message).write(into: &buffer)
            let frame = Array(buffer.readableBytesView)
            // As much as the bound and what the kernel holds, and more: what is not taken stays with the sender.
            var rest = frame[...]
            var frames = 0
            var refusals = 0
            let other = try await ClientConnection.connect(path: server.path)
            while refusals < 20, frames < 100 {
                let count = greedy.writeSome(Array(rest))
                rest = rest.dropFirst(count)
                if rest.isEmpty { (rest, frames) = (frame[...], frames + 1) }
                refusals = count == 0 ? refusals + 1 : 0
                // A turn of the loop.
                #expect(await code(other, S.echo, [1]) == .ok)
            }
            #expect(frames * message.count < Limits.bytesInFlightPerConnection + (8 << 20), "\(frames) frames were taken")
            for _ in 0..<100 { #expect(await code(other, S.echo, [1]) == .ok) }
            await other.close()
        }
    }

    @Test func `streaming calls over the limit are refused: those that are open must stay read`() async throws {
        try await withTestServer { server in
            let peer = try RawPeer(server.path)
            for index in 0..<1000 {
                try peer.write(S.chat.request(UInt32(index) * 2 + 1, flags: .remoteOpen))
                guard index >= Limits.streamsPerConnection else { continue }
                #expect(try peer.readFrame()?.code == .resourceExhausted)
            }
            try peer.write(.data(1, [1]), .end(1))
            #expect(try peer.readFrame() == .data(1, [1]))
            #expect(try peer.readFrame() == .end(1))
            try peer.write(S.chat.request(2001, flags: .remoteOpen), .end(2001))
            #expect(try peer.readFrame() == .end(2001), "where one ends another may begin")
        }
    }

    @Test func `a peer that dies in the middle of a frame harms nobody`() async throws {
        try await withTestServer { server in
            do {
                let peer = try RawPeer(server.path)
                try peer.write([0, 0x3F, 0, 0, 0, 0, 0, 1, 1, 0] + [UInt8](repeating: 1, count: 300_000))
            }
            let connection = try await ClientConnection.connect(path: server.path)
            #expect(await code(connection, S.echo, [1]) == .ok)
            await connection.close()
        }
    }

    @Test func `a user's connections over the limit are closed at once, and when some go others may come`() async throws {
        try await withTestServer { server in
            var peers: [RawPeer] = []
            for _ in 0..<Limits.connectionsPerUser { peers.append(try RawPeer(server.path)) }
            // The last one accepted is served, so all are there.
            try #require(peers.last).write(S.echo.request(1))
            _ = try peers.last?.readFrame()
            let refused = try RawPeer(server.path)
            #expect(try refused.readFrame() == nil)
            for await event in server.events {
                guard case .refused(let why) = event else { continue }
                #expect(why.contains("the most that one may have"))
                break
            }
            peers.removeLast(10)
            while true {
                let again = try RawPeer(server.path)
                guard (try? again.write(S.echo.request(1))) != nil, try again.readFrame() != nil else { continue }
                break
            }
        }
    }
}
