import Foundation
import Messages
import Model
import RPC
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// A server on a real socket with a method of each kind, and what came of them.
final class TestServer: Sendable {
    static let echo = name("Echo")
    static let silent = name("Silent")
    static let large = name("Large")
    /// Takes many, answers with all of them together.
    static let join = name("Join", clientStreams: true)
    /// Answers with as many messages as its request has bytes, each of one byte, the last of none.
    static let count = name("Count", serverStreams: true)
    /// Answers each message with itself.
    static let chat = name("Chat", clientStreams: true, serverStreams: true)
    /// Takes many and gives nothing back; never ends by itself.
    static let hoard = name("Hoard", clientStreams: true, serverStreams: true)
    /// Answers when the turn ends in which it came.
    static let turn = name("Turn")
    /// Answers what came in a turn with all of it together.
    static let gather = name("Gather", clientStreams: true, serverStreams: true)

    static func name(_ method: String, clientStreams: Bool = false, serverStreams: Bool = false) -> MethodDescription {
        MethodDescription(
            name: MethodName(service: "test.Echo", method: method), clientStreams: clientStreams, serverStreams: serverStreams,
            isRepeatable: method == "Echo")
    }

    static let descriptions = [echo, silent, large, join, count, chat, hoard, turn, gather].reduce(into: [:]) { $0[$1.name] = $1 }

    enum Event: Equatable {
        case begun(String)
        case received(String, [UInt8])
        case turnEnded(isAlone: Bool)
        case closed(String)
        case cancelled(String)
        case stopped(String)
        case refused(String)
    }

    let path: String
    private let server: Mutex<Server?> = Mutex(nil)
    private let held: Mutex<[Call]> = Mutex([])
    let events: AsyncStream<Event>
    /// The trace contexts that came with calls of `Echo`.
    let traces = Journal<String>()
    private let happened: AsyncStream<Event>.Continuation

    init(_ folder: FilePath) async throws {
        path = folder.appending("s").string
        (events, happened) = AsyncStream.makeStream()
        try await start()
    }

    func start() async throws {
        let started = try await Server.start([ListeningSocket(path: path)], methods: methods) { [happened] in
            happened.yield(.refused($1))
        }
        server.withLock { $0 = started }
    }

    func stop() async {
        for call in takeHeld() { call.answer(.failure(Status(.cancelled, "the test is over"))) }
        await server.withLock { server in
            defer { server = nil }
            return server
        }?.stop()
    }

    /// Calls of `Silent` that nobody answers.
    func takeHeld() -> [Call] {
        held.withLock { calls in
            defer { calls = [] }
            return calls
        }
    }

    private var methods: [Method] {
        let (happened, traces) = (happened, traces)
        return [
            Method(
                Self.echo,
                .single { call, message in
                    happened.yield(.received("Echo", message))
                    for trace in call.metadata where trace.key == "traceparent" { traces.add(trace.value) }
                    call.answer(.success(message))
                    return nil
                }),
            Method(
                Self.silent,
                .single { [self] call, _ in
                    held.withLock { $0.append(call) }
                    happened.yield(.begun("Silent"))
                    return Listener(call, "Silent", happened)
                }),
            Method(
                Self.large,
                .single { call, message in
                    happened.yield(.begun("Large"))
                    call.answer(.success([UInt8](repeating: 0, count: message.isEmpty ? Limits.frameBytes : 1 << 20)))
                    return nil
                }),
            Method(
                Self.turn,
                .single { call, message in
                    happened.yield(.received("Turn", message))
                    call.atTurnEnd { isAlone in
                        happened.yield(.turnEnded(isAlone: isAlone))
                        call.answer(.success(message))
                    }
                    return nil
                }),
            Method(Self.join, .stream { Listener($0, "Join", happened) }),
            Method(
                Self.count,
                .single { call, message in
                    for index in message.indices {
                        call.post(index == message.count - 1 ? [] : [UInt8(truncatingIfNeeded: index)])
                    }
                    call.finish()
                    return nil
                }),
            Method(Self.chat, .stream { Listener($0, "Chat", happened) }),
            Method(Self.gather, .stream { Listener($0, "Gather", happened) }),
            Method(Self.hoard, .stream { Listener($0, "Hoard", happened) }),
        ]
    }

    private final class Listener: MessageReceiver {
        private let call: Call
        private let name: String
        private let happened: AsyncStream<Event>.Continuation
        private var joined: [UInt8] = []
        private var isOver = false

        init(_ call: Call, _ name: String, _ happened: AsyncStream<Event>.Continuation) {
            self.call = call
            self.name = name
            self.happened = happened
        }

        func receive(_ message: [UInt8]) {
            happened.yield(.received(name, message))
            joined += message
            if name == "Chat" { call.post(message) }
            if name != "Hoard" { call.release(messages: 1, bytes: message.count) }
        }

        func endTurn() {
            guard name == "Gather", !joined.isEmpty else { return }
            call.post(joined)
            joined = []
        }

        func close() {
            happened.yield(.closed(name))
            guard !isOver else { return }
            if name == "Join" { call.answer(.success(joined)) } else { call.finish() }
            isOver = true
        }

        func stop() {
            happened.yield(.stopped(name))
            guard !isOver, name != "Silent" else { return }
            isOver = true
            call.answer(.failure(.stopping))
        }

        func cancel() {
            happened.yield(.cancelled(name))
            guard !isOver, name != "Silent" else { return }
            isOver = true
            call.finish()
        }
    }
}

/// What happened, in order.
final class Journal<Entry: Sendable>: Sendable {
    private let all: Mutex<[Entry]> = Mutex([])

    var entries: [Entry] { all.withLock { $0 } }

    func add(_ entry: Entry) { all.withLock { $0.append(entry) } }
}

func withTestServer<Value>(_ body: (TestServer) async throws -> Value) async throws -> Value {
    try await withTemporaryFolder { folder in
        let server = try await TestServer(folder)
        do {
            let value = try await body(server)
            await server.stop()
            return value
        } catch {
            await server.stop()
            throw error
        }
    }
}

extension MethodDescription {
    /// A Request frame of this method.
    func request(_ streamID: UInt32, _ payload: [UInt8] = [], flags: Frame.Flags = [], timeout: Int64 = 0) -> Frame {
        let envelope = RequestEnvelope(service: name.service, method: name.method, payload: payload, timeout: timeout)
        return Frame(streamID: streamID, kind: .request, flags: flags, data: envelope.packed)
    }
}

extension Frame {
    static func data(_ streamID: UInt32, _ message: [UInt8], flags: Flags = []) -> Frame {
        Frame(streamID: streamID, kind: .data, flags: flags, data: message)
    }

    static func response(_ streamID: UInt32, _ payload: [UInt8]) -> Frame {
        Frame(streamID: streamID, kind: .response, data: ResponseEnvelope.success(payload).packed)
    }

    /// The code of a Response.
    var code: Status.Code? {
        guard kind == Kind.response.rawValue else { return nil }
        return switch try? ResponseEnvelope(packed: data) {
        case .success: .ok
        case .failure(let status): status.code
        case nil: nil
        }
    }
}
