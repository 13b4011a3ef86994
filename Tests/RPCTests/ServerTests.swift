import Foundation
import Messages
import Model
import RPC
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A server and clients on a real socket.
@Suite struct ServerTests {
    static let echo = MethodName(service: "test.Echo", method: "Echo")
    static let silent = MethodName(service: "test.Echo", method: "Silent")
    static let large = MethodName(service: "test.Echo", method: "Large")

    private func withServer(_ body: @Sendable (String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("s").string
            let server = try await Server.start(
                path: path,
                methods: [
                    Self.echo: { $0.answer(.success($0.payload)) }, Self.silent: { _ in },
                    Self.large: { $0.answer(.success([UInt8](repeating: 0, count: Limits.frameBytes))) },
                ])
            do {
                try await body(path)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
            #expect(!FileManager.default.fileExists(atPath: path))
        }
    }

    private func code(
        _ connection: ClientConnection, _ method: MethodName, _ payload: [UInt8] = [], timeout: Duration = .seconds(20)
    ) async -> Status.Code {
        do throws(Status) {
            _ = try await connection.call(method, payload, timeout: timeout)
            return .ok
        } catch {
            return error.code
        }
    }

    @Test func `calls at the same time get each its own answer`() async throws {
        try await withServer { path in
            let connection = try await ClientConnection.connect(path: path)
            let right = try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<2000 {
                    group.addTask {
                        let payload = Array("payload \(index)".utf8)
                        return try await connection.call(Self.echo, payload, timeout: .seconds(60)) == payload
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == 2000)
            await connection.close()
        }
    }

    @Test func `an unknown service or method is unimplemented, and the connection goes on`() async throws {
        try await withServer { path in
            let connection = try await ClientConnection.connect(path: path)
            #expect(await code(connection, MethodName(service: "test.Echo", method: "None")) == .unimplemented)
            #expect(await code(connection, MethodName(service: "none", method: "Echo")) == .unimplemented)
            #expect(await code(connection, Self.echo, [1]) == .ok)
            await connection.close()
        }
    }

    @Test func `an answer too large for a frame is an error, and the connection goes on`() async throws {
        try await withServer { path in
            let connection = try await ClientConnection.connect(path: path)
            #expect(await code(connection, Self.large) == .resourceExhausted)
            #expect(await code(connection, Self.echo, [1]) == .ok)
            await connection.close()
        }
    }

    @Test func `a server that never answers does not hold a client longer than its time`() async throws {
        try await withServer { path in
            let connection = try await ClientConnection.connect(path: path)
            #expect(await code(connection, Self.silent, timeout: .milliseconds(50)) == .deadlineExceeded)
            #expect(await code(connection, Self.echo, timeout: .milliseconds(-1)) == .deadlineExceeded)
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
        try await withTemporaryFolder { folder in
            let path = folder.appending("s").string
            let (calls, arrival) = AsyncStream<Call>.makeStream()
            let server = try await Server.start(
                path: path, methods: [Self.silent: { arrival.yield($0) }, Self.echo: { $0.answer(.success($0.payload)) }])
            let connection = try await ClientConnection.connect(path: path)
            async let answer = code(connection, Self.silent, [1])
            var held = calls.makeAsyncIterator()
            let call = try #require(await held.next())
            async let stop: Void = server.stop()
            // When the connection takes no new calls, the stop has reached it.
            while await code(connection, Self.echo, [1]) == .ok {}
            call.answer(.success(call.payload))
            #expect(await answer == .ok)
            await stop
            #expect(await code(connection, Self.echo, [1]) == .unavailable)
        }
    }

    @Test func `a peer that has too many calls under way is not read, and goes on when they are answered`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("s").string
            let arrived = Atomic(0)
            let (calls, arrival) = AsyncStream<Call>.makeStream()
            let server = try await Server.start(
                path: path,
                methods: [
                    Self.silent: {
                        arrived.add(1, ordering: .relaxed)
                        arrival.yield($0)
                    }, Self.echo: { $0.answer(.success($0.payload)) },
                ])
            let greedy = try await ClientConnection.connect(path: path)
            let other = try await ClientConnection.connect(path: path)
            let extra = 300
            let right = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<Limits.callsPerConnection + extra { group.addTask { await code(greedy, Self.silent, [1]) == .ok } }
                var held: [Call] = []
                for await call in calls {
                    held.append(call)
                    if held.count == Limits.callsPerConnection { break }
                }
                // The limit is reached: another connection is served, this one waits.
                for _ in 0..<100 { #expect(await code(other, Self.echo, [1]) == .ok) }
                #expect(arrived.load(ordering: .relaxed) == Limits.callsPerConnection)
                for call in held { call.answer(.success([])) }
                var rest = 0
                for await call in calls {
                    call.answer(.success([]))
                    rest += 1
                    if rest == extra { break }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(right == Limits.callsPerConnection + extra)
            await greedy.close()
            await other.close()
            await server.stop()
        }
    }

    @Test func `a peer that does not read its answers is not served more, and harms nobody else`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("s").string
            let served = Atomic(0)
            let server = try await Server.start(
                path: path,
                methods: [
                    Self.large: {
                        served.add(1, ordering: .relaxed)
                        $0.answer(.success([UInt8](repeating: 0, count: 1 << 20)))
                    }, Self.echo: { $0.answer(.success($0.payload)) },
                ])
            let raw = try RawPeer(path)
            let asked = 200
            for index in 0..<asked {
                let envelope = RequestEnvelope(service: Self.large.service, method: Self.large.method, payload: []).packed
                try raw.write(
                    [0, 0, 0, UInt8(envelope.count), 0, 0, UInt8(index >> 7), UInt8(index << 1 & 0xFF | 1), 1, 0] + envelope)
            }
            let other = try await ClientConnection.connect(path: path)
            for _ in 0..<50 { #expect(await code(other, Self.echo, [1]) == .ok) }
            #expect(served.load(ordering: .relaxed) < 50, "answers nobody reads do not pile up")
            for _ in 0..<asked { #expect(try raw.readFrame()?.data.count ?? 0 >= 1 << 20) }
            #expect(served.load(ordering: .relaxed) == asked, "and all come when they are read")
            await other.close()
            await server.stop()
        }
    }

    @Test func `a peer that sends garbage harms nobody else`() async throws {
        try await withServer { path in
            let connection = try await ClientConnection.connect(path: path)
            let raw = try RawPeer(path)
            // A body that is no protobuf is answered; then an oversize frame too; then a broken length ends that connection.
            try raw.write([0, 0, 0, 2, 0, 0, 0, 1, 1, 0, 0xFF, 0xFF])
            #expect(try raw.readFrame()?.streamID == 1)
            try raw.write([0, 0x50, 0, 0, 0, 0, 0, 3, 1, 0] + [UInt8](repeating: 0, count: 0x50_0000))
            let oversize = try #require(try raw.readFrame())
            #expect(oversize.streamID == 3)
            #expect(
                try ResponseEnvelope(packed: oversize.data)
                    == .failure(
                        Status(
                            .resourceExhausted, "a frame of 5242880 bytes is over the limit of 4194304",
                            hint: "send fewer messages in one call")))
            try raw.write([0xFF, 0, 0, 0, 0, 0, 0, 5, 1, 0])
            #expect(try raw.readFrame() == nil, "closed")
            #expect(await code(connection, Self.echo, [1]) == .ok)
            await connection.close()
        }
    }
}
