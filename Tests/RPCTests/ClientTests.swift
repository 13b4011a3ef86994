import Messages
import Model
import NIOCore
import RPC
import TestSupport
import Testing

/// Clients against a real server: streams, cancellation, bounds, and connections that are lost.
@Suite struct ClientTests {
    typealias S = TestServer

    @Test func `a client makes calls of all four kinds`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            #expect(try await connection.call(S.echo, [1], deadline: nil) == [1])
            let join = try await connection.open(S.join)
            for byte: UInt8 in 1...3 { try await join.send([byte]) }
            try await join.finish()
            #expect(try await join.answer() == [1, 2, 3])
            var counted: [[UInt8]] = []
            try await connection.open(S.count, [0, 0, 0]).forEachMessage { counted.append($0) }
            #expect(counted == [[0], [1], []])
            let chat = try await connection.open(S.chat)
            for byte: UInt8 in 1...200 { try await chat.send([byte]) }
            try await chat.finish()
            var echoed: [[UInt8]] = []
            try await chat.forEachMessage { echoed.append($0) }
            #expect(echoed == (1...200).map { [$0] })
            await connection.close()
        }
    }

    @Test func `a stream ends with its status, its deadline, or the loss of its connection`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let unknown = try await connection.open(S.name("Nothing", clientStreams: true, serverStreams: true))
            #expect(await #expect(throws: Status.self) { try await unknown.forEachMessage { _ in } }?.code == .unimplemented)
            let late = try await connection.open(S.hoard, deadline: .now() + .milliseconds(20))
            #expect(await #expect(throws: Status.self) { try await late.forEachMessage { _ in } }?.code == .deadlineExceeded)
            let lost = try await connection.open(S.hoard)
            await connection.close()
            #expect(await #expect(throws: Status.self) { try await lost.forEachMessage { _ in } }?.code == .unavailable)
            #expect(await #expect(throws: Status.self) { try await lost.send([1]) }?.code == .cancelled)
        }
    }

    @Test func `a cancelled task stops waiting, and its connection goes on`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let code = await withTaskGroup(of: Status.Code.self) { group in
                group.addTask {
                    do throws(Status) {
                        _ = try await connection.call(S.silent, [], deadline: nil)
                        return .ok
                    } catch {
                        return error.code
                    }
                }
                for await event in server.events where event == .begun("Silent") { break }
                group.cancelAll()
                return await group.next()
            }
            #expect(code == .cancelled)
            #expect(try await connection.call(S.echo, [1], deadline: nil) == [1])
            await connection.close()
        }
    }

    @Test func `calls over the bound wait for others to end, and may be cancelled before they are sent`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let other = try await ClientConnection.connect(path: server.path)
            let extra = 50
            func begun(_ count: Int) async {
                var begun = 0
                for await event in server.events where event == .begun("Silent") {
                    begun += 1
                    if begun == count { break }
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<Limits.clientCallsInFlight {
                    group.addTask { _ = try await connection.call(S.silent, [], deadline: .now() + .seconds(60)) }
                }
                await begun(Limits.clientCallsInFlight)
                await withThrowingTaskGroup(of: Void.self) { cancelled in
                    cancelled.addTask { _ = try await connection.open(S.hoard) }
                    cancelled.addTask { _ = try await connection.call(S.join, [], deadline: nil) }
                    cancelled.cancelAll()
                    for _ in 0..<2 {
                        let ended = await cancelled.nextResult()
                        #expect(throws: Status.self) { try ended?.get() }
                    }
                }
                for _ in 0..<extra {
                    group.addTask { _ = try await connection.call(S.silent, [], deadline: .now() + .seconds(60)) }
                }
                for _ in 0..<100 { #expect(try await other.call(S.echo, [1], deadline: nil) == [1]) }
                let held = server.takeHeld()
                #expect(held.count == Limits.clientCallsInFlight, "the server would take more")
                for call in held { call.answer(.success([])) }
                await begun(extra)
                for call in server.takeHeld() { call.answer(.success([])) }
                try await group.waitForAll()
            }
            await connection.close()
            await other.close()
        }
    }

    @Test func `a send that waits ends with its call, and nothing of the call is left at the server`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let waking = try await ClientConnection.connect(path: server.path)
            let stream = try await connection.open(S.hoard)
            let status = await withTaskGroup(of: Status?.self) { group in
                group.addTask {
                    let message = [UInt8](repeating: 1, count: 1 << 20)
                    // The server takes a few, and then reads no more.
                    do throws(Status) { while true { try await stream.send(message) } } catch { return error }
                }
                var received = 0
                for await event in server.events {
                    if case .received("Hoard", _) = event { received += 1 }
                    if received == Limits.bytesInFlightPerConnection >> 20 { break }
                }
                for _ in 0..<100 { _ = try? await waking.call(S.echo, [1], deadline: .now() + .seconds(60)) }
                stream.cancel()
                return await group.next() ?? nil
            }
            #expect(status?.code == .cancelled)
            await waking.close()
            await connection.close()
            let other = try await ClientConnection.connect(path: server.path)
            let forgotten = try await other.open(S.chat)
            try await forgotten.send([9])
            for await event in server.events where event == .received("Chat", [9]) { break }
            forgotten.cancel()
            for await event in server.events where event == .closed("Chat") { break }
            await other.close()
        }
    }

    @Test func `a client connects again, and tries again what is safe to repeat, and only that`() async throws {
        try await withTestServer { server in
            let client = try await Client.connect(path: server.path, retryTime: .seconds(60))
            #expect(try await client.call(S.echo, [1], timeout: .seconds(60)) == [1])
            await server.stop()
            // Nobody serves: the one waits for the server, the others are told at once once they were sent, or wait to be.
            async let repeated = client.call(S.echo, [2], timeout: .seconds(60))
            try await server.start()
            #expect(try await repeated == [2])
            async let lost = client.call(S.silent, [], timeout: .seconds(60))
            for await event in server.events where event == .begun("Silent") { break }
            await server.stop()
            do {
                _ = try await lost
                #expect(Bool(false), "it has no answer")
            } catch {
                #expect((error as? Status)?.code == .cancelled, "the server answered it as it stopped; it was not sent again")
            }
            try await server.start()
            #expect(try await client.call(S.echo, [3], timeout: .seconds(60)) == [3])
            await client.close()
            let closed = await #expect(throws: Status.self) { try await client.call(S.echo, [], timeout: .seconds(60)) }
            #expect(closed?.code == .cancelled)
        }
    }

    @Test func `whoever watches a client is told of connections and of what is tried again; a trace goes with its calls`()
        async throws
    {
        try await withTestServer { server in
            let told = Journal<String>()
            var hooks = ClientHooks()
            hooks.connected = { told.add("connected") }
            hooks.tryingAgain = { method, status, _ in told.add("\(method.method) again: \(status.code.name)") }
            hooks.traceParent = { "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }
            let client = try await Client.connect(path: server.path, retryTime: .seconds(60), hooks: hooks)
            #expect(try await client.call(S.echo, [1], timeout: .seconds(60)) == [1])
            #expect(server.traces.entries == ["00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"])
            await server.stop()
            async let repeated = client.call(S.echo, [2], timeout: .seconds(60))
            try await wait(for: "another try") { told.entries.count > 1 }
            try await server.start()
            #expect(try await repeated == [2])
            let all = told.entries
            #expect(all.first == "connected" && all.last == "connected" && all.contains("Echo again: UNAVAILABLE"), "\(all)")
            await client.close()
        }
    }

    @Test func `without time for it nothing is tried again`() async throws {
        try await withTestServer { server in
            let client = try await Client.connect(path: server.path, retryTime: .zero)
            await server.stop()
            let error = await #expect(throws: Status.self) { try await client.call(S.echo, [], timeout: .seconds(60)) }
            #expect(error?.code == .unavailable)
            await client.close()
        }
    }

    @Test func `a stream whose messages nobody takes holds its connection, not the server's others`() async throws {
        try await withTestServer { server in
            let connection = try await ClientConnection.connect(path: server.path)
            let other = try await ClientConnection.connect(path: server.path)
            let untaken = try await connection.open(S.count, [UInt8](repeating: 0, count: 100_000))
            // Behind more than what the client keeps and the kernel holds.
            let answers = Journal<[UInt8]>()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    answers.add(try await connection.call(S.echo, [2], deadline: .now() + .seconds(60)))
                }
                for _ in 0..<100 { #expect(try await other.call(S.echo, [1], deadline: .now() + .seconds(60)) == [1]) }
                #expect(answers.entries == [], "its connection is held")
                var count = 0
                try await untaken.forEachMessage { _ in count += 1 }
                #expect(count == 100_000, "and nothing of it is lost")
                try await group.waitForAll()
            }
            await connection.close()
            await other.close()
        }
    }
}
