public import Logging
import Messages
@_exported public import Model
package import RPC

/// A connection to the message export daemon of this machine, for one sandbox.
///
/// Any number of calls may be under way at the same time; at 1,024 further ones wait. A task that is cancelled stops waiting: its call
/// ends with `cancelled`. When the daemon goes away the client connects again, with pauses that grow, and tries again what is safe to
/// repeat: ingests and whatever only reads. Errors are `Status` values: a canonical code, what was wrong, and what to do. A call that
/// ends `unavailable` or `deadlineExceeded` may have been served; ingesting the same message again is safe.
public final class MessageExportClient: Sendable {
    let client: Client
    let sandbox: String
    let timeout: Duration
    let flags = FlagCache()

    /// Connects to the daemon at `socket`.
    ///
    /// - Parameters:
    ///   - socket: path of the daemon's socket.
    ///   - sandbox: the sandbox that all calls concern; empty: prod or, on a sandbox's own socket, that one.
    ///   - timeout: how long each call waits for its answer, all tries together.
    ///   - retryTime: how long, within that, a call that is safe to repeat is tried again; zero: never.
    ///   - logger: is told of connections and of calls that are tried again, at level debug, and never of content.
    ///   - traceParent: the W3C trace context of the task that calls, as any tracer has it; it goes with the call.
    /// - Throws: `unavailable` when no daemon answers there, `permissionDenied` when this user may not connect.
    public static func connect(
        socket: String, sandbox: String = defaultSandbox, timeout: Duration = .seconds(Limits.clientCallSeconds),
        retryTime: Duration = .seconds(Limits.clientRetrySeconds), logger: Logger? = nil,
        traceParent: (@Sendable () -> String?)? = nil
    ) async throws(Status) -> MessageExportClient {
        let hooks = ClientHooks(logger: logger, traceParent: traceParent)
        let client = try await Client.connect(path: socket, retryTime: retryTime, hooks: hooks)
        return MessageExportClient(client: client, sandbox: sandbox, timeout: timeout)
    }

    /// Connects, lends the client to `body`, and closes it whatever happens. Parameters as of `connect`.
    public static func withClient<Value: Sendable>(
        socket: String, sandbox: String = defaultSandbox, retryTime: Duration = .seconds(Limits.clientRetrySeconds),
        logger: Logger? = nil, traceParent: (@Sendable () -> String?)? = nil,
        _ body: (MessageExportClient) async throws -> Value
    ) async throws -> Value {
        let client = try await connect(
            socket: socket, sandbox: sandbox, retryTime: retryTime, logger: logger, traceParent: traceParent)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    /// A client that connects with its first call.
    package convenience init(
        socket: String, sandbox: String = defaultSandbox, timeout: Duration = .seconds(Limits.clientCallSeconds),
        retryTime: Duration, hooks: ClientHooks = ClientHooks()
    ) {
        self.init(client: Client(path: socket, retryTime: retryTime, hooks: hooks), sandbox: sandbox, timeout: timeout)
    }

    private init(client: Client, sandbox: String, timeout: Duration) {
        self.client = client
        self.sandbox = sandbox
        self.timeout = timeout
    }

    /// Closes the connection. No call may follow; those under way fail with `unavailable`.
    public func close() async {
        await client.close()
    }

    // MARK: Configurations

    /// Makes a channel configuration: a draft, or with `submit` one that comes into force or, with every reason, fails.
    public func createConfiguration(
        name: String, channel: Channel, settings: ConfigurationSettings = ConfigurationSettings(), submit: Bool = false
    ) async throws(Status) -> ChannelConfiguration {
        try await call(
            .createConfiguration,
            CreateConfigurationRequest(
                sandbox: sandbox, name: name, channel: channel, settings: ConfigurationChange(settings), submit: submit))
    }

    /// Makes a new version of a draft, of a failed one, or of an active one; with `submit` brings it into force, unless it fails. The
    /// version in force stays so until then.
    ///
    /// - Parameter version: the newest version that the change was made for; nil: whatever it is.
    /// - Throws: `aborted` when somebody else changed it first.
    public func editConfiguration(
        name: String, _ change: ConfigurationChange = ConfigurationChange(), submit: Bool = false,
        ifVersion version: UInt32? = nil
    ) async throws(Status) -> ChannelConfiguration {
        try await call(
            .editConfiguration,
            EditConfigurationRequest(sandbox: sandbox, name: name, settings: change, submit: submit, ifVersion: version))
    }

    /// Brings a draft, or a pending version, into force, unless it fails: ingests are decided by it from when this returns.
    public func submitConfiguration(name: String) async throws(Status) -> ChannelConfiguration {
        try await call(.submitConfiguration, NameRequest(sandbox: sandbox, name: name))
    }

    /// Takes no messages with it from when this returns. What is stored lives to its expiry.
    public func deactivateConfiguration(name: String) async throws(Status) -> ChannelConfiguration {
        try await call(.deactivateConfiguration, NameRequest(sandbox: sandbox, name: name))
    }

    /// Takes messages with a deactivated one again.
    public func activateConfiguration(name: String) async throws(Status) -> ChannelConfiguration {
        try await call(.activateConfiguration, NameRequest(sandbox: sandbox, name: name))
    }

    /// Makes a draft with the settings that another one has in force.
    public func duplicateConfiguration(name: String, as newName: String) async throws(Status) -> ChannelConfiguration {
        try await call(
            .duplicateConfiguration, DuplicateConfigurationRequest(sandbox: sandbox, name: name, newName: newName))
    }

    /// A configuration by its name.
    /// - Throws: `notFound` when there is none of that name.
    public func configuration(name: String) async throws(Status) -> ChannelConfiguration {
        try await call(.getConfiguration, NameRequest(sandbox: sandbox, name: name))
    }

    /// All of the sandbox, by name.
    public func configurations() async throws(Status) -> [ChannelConfiguration] {
        let answer: ConfigurationList = try await call(.listConfigurations, SandboxRequest(sandbox: sandbox))
        return answer.configurations
    }

    // MARK: The daemon

    /// How the daemon and this client's sandbox are doing.
    public func status() async throws(Status) -> DaemonStatus {
        try await call(.getStatus, SandboxRequest(sandbox: sandbox))
    }

    /// Whether a service does its work, by its full name such as `messageexport.v1.IngestionService`; empty: the daemon as a whole.
    /// - Throws: `notFound` when there is no such service.
    public func health(service: String = "") async throws(Status) -> Health {
        try await call(.checkHealth, HealthCheckRequest(service: service))
    }

    func call<Request: WireMessage, Response: WireMessage>(
        _ method: MethodName, _ request: Request, timeout: Duration? = nil
    ) async throws(Status) -> Response {
        try Response(packed: await client.call(method.described, request.packed, timeout: timeout ?? self.timeout))
    }
}

extension ClientHooks {
    init(logger: Logger?, traceParent: (@Sendable () -> String?)?) {
        self.init()
        if let logger {
            connected = { logger.debug("connected") }
            tryingAgain = { method, status, pause in
                logger.debug(
                    "trying again",
                    metadata: [
                        "method": "\(method)", "code": "\(status.code.name)", "reason": "\(status.message)", "pause": "\(pause)",
                    ])
            }
        }
        if let traceParent { self.traceParent = traceParent }
    }
}
