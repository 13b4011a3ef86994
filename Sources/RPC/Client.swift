package import Messages
package import Model
import NIOCore
import Synchronization

/// A client of a server on a Unix socket that connects again when its connection is lost, and tries again what is safe to repeat.
package final class Client: Sendable {
    private enum State {
        case disconnected
        /// Somebody connects; who else needs the connection waits.
        case connecting([CheckedContinuation<Void, Never>])
        case connected(ClientConnection)
        case closed
    }

    private let path: String
    private let retryTime: Duration
    private let hooks: ClientHooks
    private let state: Mutex<State>

    /// Connects; fails at once where nobody serves.
    ///
    /// - Parameters:
    ///   - path: of the socket.
    ///   - retryTime: how long a call may be tried again, within its own time: one that did not reach the server, or that is safe to
    ///     repeat. Zero: never.
    /// - Throws: as `ClientConnection.connect`.
    package static func connect(
        path: String, retryTime: Duration, hooks: ClientHooks = ClientHooks()
    ) async throws(Status) -> Client {
        let connection = try await ClientConnection.connect(path: path)
        hooks.connected()
        return Client(path: path, retryTime: retryTime, hooks: hooks, state: .connected(connection))
    }

    /// Another client of the same server: it connects with its first call.
    package func another() -> Client {
        Client(path: path, retryTime: retryTime, hooks: hooks)
    }

    /// A client that connects with its first call; parameters as of `connect`.
    package convenience init(path: String, retryTime: Duration, hooks: ClientHooks = ClientHooks()) {
        self.init(path: path, retryTime: retryTime, hooks: hooks, state: .disconnected)
    }

    private init(path: String, retryTime: Duration, hooks: ClientHooks, state: State) {
        self.path = path
        self.hooks = hooks
        self.retryTime = retryTime
        self.state = Mutex(state)
    }

    /// Makes a call that has one request and one answer.
    ///
    /// - Parameter timeout: for all tries together; then `deadlineExceeded`.
    /// - Throws: the server's status. `unavailable` and `deadlineExceeded`: it may have been served.
    package func call(
        _ method: MethodDescription, _ payload: [UInt8], timeout: Duration
    ) async throws(Status) -> [UInt8] {
        try await trying(method, timeout) { (connection, deadline) throws(Status) in
            try await connection.call(method, payload, metadata: hooks.metadata, deadline: deadline)
        }
    }

    /// Makes a call that sends or gets any number of messages: `body` gets it, and is called again with a new one when the call is
    /// safe to repeat.
    ///
    /// - Parameters:
    ///   - first: makes the request, where the method takes one; called for each try.
    ///   - timeout: for all tries together; nil: as long as it takes.
    package func stream<Value: Sendable>(
        _ method: MethodDescription, _ first: @autoclosure () -> [UInt8]? = nil, timeout: Duration?,
        _ body: (ClientStream) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        try await trying(method, timeout) { (connection, deadline) throws(Status) in
            let stream = try await connection.open(method, first(), metadata: hooks.metadata, deadline: deadline)
            // What the body leaves is of no use to anybody.
            defer { stream.cancel() }
            return try await body(stream)
        }
    }

    private func trying<Value: Sendable>(
        _ method: MethodDescription, _ timeout: Duration?,
        _ attempt: (ClientConnection, NIODeadline?) async throws(Status) -> Value
    ) async throws(Status) -> Value {
        let start = NIODeadline.now()
        let deadline = timeout.map { start + TimeAmount($0) }
        let lastTry = min(start + TimeAmount(retryTime), deadline ?? .distantFuture)
        var backoff = Backoff(milliseconds: Limits.clientBackoffMilliseconds)
        var generator = SystemRandomNumberGenerator()
        while true {
            let status: Status
            do throws(Status) {
                return try await attempt(try await connection(), deadline)
            } catch {
                guard mayTryAgain(method, after: error) else { throw error }
                status = error
            }
            let pause = backoff.next(using: &generator)
            guard .now() + TimeAmount(pause) < lastTry else { throw status }
            hooks.tryingAgain(method.name, status, pause)
            do { try await Task.sleep(for: pause) } catch {
                throw Status(.cancelled, "the call was cancelled; it may have been served")
            }
        }
    }

    private func mayTryAgain(_ method: MethodDescription, after status: Status) -> Bool {
        // What did not leave this process can be repeated whatever it is.
        if status == ClientConnection.closed { return true }
        guard method.isRepeatable else { return false }
        return status.code == .unavailable || (status.code == .resourceExhausted && status.reason == .temporary)
    }

    private func connection() async throws(Status) -> ClientConnection {
        while true {
            enum Step {
                case use(ClientConnection)
                case connect
                case wait
                case fail
            }
            let step = state.withLock { state -> Step in
                switch state {
                case .connected(let connection) where connection.isActive: return .use(connection)
                case .connected, .disconnected:
                    state = .connecting([])
                    return .connect
                case .connecting: return .wait
                case .closed: return .fail
                }
            }
            switch step {
            case .use(let connection): return connection
            case .connect: return try await connect()
            case .fail: throw Status(.cancelled, "the client is closed")
            case .wait:
                await withCheckedContinuation { continuation in
                    let isOver = state.withLock { state in
                        guard case .connecting(let waiting) = state else { return true }
                        state = .connecting(waiting + [continuation])
                        return false
                    }
                    if isOver { continuation.resume() }
                }
            }
        }
    }

    private func connect() async throws(Status) -> ClientConnection {
        let result: Result<ClientConnection, Status>
        do throws(Status) { result = .success(try await ClientConnection.connect(path: path)) } catch { result = .failure(error) }
        let (waiting, isClosed) = state.withLock { state in
            guard case .connecting(let waiting) = state else { return ([CheckedContinuation<Void, Never>](), true) }
            if case .success(let connection) = result { state = .connected(connection) } else { state = .disconnected }
            return (waiting, false)
        }
        if case .success = result { hooks.connected() }
        for continuation in waiting { continuation.resume() }
        let connection = try result.get()
        guard !isClosed else {
            await connection.close()
            throw Status(.cancelled, "the client is closed")
        }
        return connection
    }

    /// Closes the connection; calls under way fail, and no further ones can be made.
    package func close() async {
        let (connection, waiting) = state.withLock { state -> (ClientConnection?, [CheckedContinuation<Void, Never>]) in
            defer { state = .closed }
            return switch state {
            case .connected(let connection): (connection, [])
            case .connecting(let waiting): (nil, waiting)
            case .disconnected, .closed: (nil, [])
            }
        }
        for continuation in waiting { continuation.resume() }
        await connection?.close()
    }
}
