import Messages
@_exported public import Model
import RPC

/// A connection to the message export daemon of this machine, for one sandbox.
///
/// Any number of calls may be under way at the same time. Errors are `Status` values: a canonical code, what was wrong, and what to
/// do. A call that ends `unavailable` or `deadlineExceeded` may have been served; ingesting the same message again is safe.
public final class MessageExportClient: Sendable {
    private let connection: ClientConnection
    private let sandbox: String
    private let timeout: Duration

    /// Connects to the daemon at `socket`.
    ///
    /// - Parameters:
    ///   - socket: path of the daemon's socket.
    ///   - sandbox: the sandbox that all calls concern.
    ///   - timeout: how long each call waits for its answer.
    /// - Throws: `unavailable` when no daemon answers there, `permissionDenied` when this user may not connect.
    public static func connect(
        socket: String, sandbox: String = defaultSandbox, timeout: Duration = .seconds(Limits.clientCallSeconds)
    ) async throws(Status) -> MessageExportClient {
        let connection = try await ClientConnection.connect(path: socket)
        return MessageExportClient(connection: connection, sandbox: sandbox, timeout: timeout)
    }

    /// Connects, lends the client to `body`, and closes it whatever happens.
    public static func withClient<Value: Sendable>(
        socket: String, sandbox: String = defaultSandbox, _ body: (MessageExportClient) async throws -> Value
    ) async throws -> Value {
        let client = try await connect(socket: socket, sandbox: sandbox)
        do {
            let value = try await body(client)
            await client.close()
            return value
        } catch {
            await client.close()
            throw error
        }
    }

    private init(connection: ClientConnection, sandbox: String, timeout: Duration) {
        self.connection = connection
        self.sandbox = sandbox
        self.timeout = timeout
    }

    /// Closes the connection. No call may follow; those under way fail with `unavailable`.
    public func close() async {
        await connection.close()
    }

    // MARK: Ingesting

    /// Hands over one message. When this returns `stored` or `duplicate`, it is on disk, encrypted.
    public func ingest(_ message: Message) async throws(Status) -> IngestResult {
        guard let result = try await ingest([message]).first else {
            throw Status(.internal, "the daemon answered for no message")
        }
        return try result.get()
    }

    /// Hands over 1 to 1,000 messages that fit one frame (4 MiB) together. The results are in the order of the messages, each for
    /// itself.
    public func ingest(_ messages: [Message]) async throws(Status) -> [Result<IngestResult, Status>] {
        let packed = try await connection.call(
            .ingest, IngestRequest(sandbox: sandbox, messages: messages).packed, timeout: timeout)
        return try IngestResponse(packed: packed).results
    }

    // MARK: Configurations

    /// Makes a channel configuration: a draft, or with `submit` an active one.
    public func createConfiguration(
        name: String, channel: Channel, messageExport: Bool = false, submit: Bool = false
    ) async throws(Status) -> ChannelConfiguration {
        try await call(
            .createConfiguration,
            CreateConfigurationRequest(
                sandbox: sandbox, name: name, channel: channel, messageExport: messageExport, submit: submit))
    }

    /// Puts a draft in force: messages sent with it are taken from when this returns.
    public func submitConfiguration(name: String) async throws(Status) -> ChannelConfiguration {
        try await call(.submitConfiguration, SubmitConfigurationRequest(sandbox: sandbox, name: name))
    }

    // MARK: Dataset

    /// The retained records with a message id: one for each submitter that used it.
    /// - Throws: `notFound` when there is none.
    public func records(messageID: String) async throws(Status) -> [Record] {
        let response: GetRecordsResponse = try await call(
            .getRecords, GetRecordsRequest(sandbox: sandbox, messageID: messageID))
        return response.records
    }

    // MARK: Exports

    /// Makes a destination. It is tried: the daemon must be able to deliver there.
    public func createDestination(name: String, settings: Destination.Settings) async throws(Status) -> Destination {
        try await call(.createDestination, CreateDestinationRequest(sandbox: sandbox, name: name, settings: settings))
    }

    /// Makes a dataflow to a destination, by the destination's name. Without `compression`, the format's default.
    public func createDataflow(
        name: String, destination: String, format: Format = .json, compression: Compression? = nil
    ) async throws(Status) -> Dataflow {
        try await call(
            .createDataflow,
            CreateDataflowRequest(
                sandbox: sandbox, name: name, destination: destination, format: format, compression: compression))
    }

    /// Starts a run over what is stored beyond the dataflow's cursor.
    /// - Throws: `failedPrecondition` while another run of it is under way.
    public func startRun(dataflow: String) async throws(Status) -> Run {
        try await call(.startRun, StartRunRequest(sandbox: sandbox, dataflow: dataflow))
    }

    /// Returns when the run has ended, whatever its end; waits at most `timeout`.
    public func waitRun(id: String, timeout: Duration = .seconds(24 * 3600)) async throws(Status) -> Run {
        try await call(.waitRun, WaitRunRequest(sandbox: sandbox, runID: id), timeout: timeout)
    }

    // MARK: The daemon

    /// How the daemon and this client's sandbox are doing.
    public func status() async throws(Status) -> DaemonStatus {
        try await call(.getStatus, GetStatusRequest(sandbox: sandbox))
    }

    private func call<Request: WireMessage, Response: WireMessage>(
        _ method: MethodName, _ request: Request, timeout: Duration? = nil
    ) async throws(Status) -> Response {
        try Response(packed: await connection.call(method, request.packed, timeout: timeout ?? self.timeout))
    }
}
