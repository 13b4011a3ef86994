import Foundation
import MessageExportClient
import Messages
import Model
import SystemPackage
import TestSupport
import Testing

/// Every method, by every role, in the role's own sandbox, in another and in none: by processes of other users and groups.
@Suite struct AccessTableTests {
    /// What a method needs.
    private enum Need: Sendable {
        case nothing
        case ingest, view, change, read
        /// In the organization, whatever sandbox is named.
        case administer
    }

    /// A call of the table; the sandbox's name is given.
    private struct Row: Sendable {
        let method: MethodName
        let need: Need
        let payload: @Sendable (String) -> [UInt8]

        init(_ method: MethodName, _ need: Need, _ payload: @escaping @Sendable (String) -> [UInt8]) {
            self.method = method
            self.need = need
            self.payload = payload
        }
    }

    @Sendable private static func named(_ sandbox: String) -> [UInt8] { NameRequest(sandbox: sandbox, name: "nothing").packed }
    @Sendable private static func only(_ sandbox: String) -> [UInt8] { SandboxRequest(sandbox: sandbox).packed }
    @Sendable private static func run(_ sandbox: String) -> [UInt8] { RunRequest(sandbox: sandbox, runID: "nothing").packed }
    @Sendable private static func records(_ sandbox: String) -> [UInt8] {
        GetRecordsRequest(sandbox: sandbox, messageID: "nothing", view: .row).packed
    }
    /// Confirmed wrongly, so that who may destroy does not.
    @Sendable private static func confirmed(_ sandbox: String) -> [UInt8] {
        ConfirmedSandboxRequest(sandbox: sandbox, confirm: "no").packed
    }
    @Sendable private static func grant(_ sandbox: String) -> [UInt8] {
        GrantRequest(role: .viewer, subject: .user(4_000_000), sandbox: sandbox).packed
    }
    private static var message: Message {
        get throws {
            Message(
                id: try MessageID("m"), configuration: "nothing",
                content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "t")))
        }
    }
    @Sendable private static func editing(_ sandbox: String) -> [UInt8] { EditSandboxRequest(sandbox: sandbox).packed }

    private static func table() throws -> [Row] {
        let message = try message
        return [
            Row(.ingest, .ingest) { IngestRequest(sandbox: $0, messages: [message]).packed },
            Row(.ingestStream, .ingest) { IngestStreamRequest(sandbox: $0, tag: 1, message: message).packed },
            Row(.ingestChunks, .ingest) {
                IngestChunk(sandbox: $0, messageBytes: UInt64(message.packed.count), content: message.packed).packed
            },
            Row(.ingestSealed, .ingest) { IngestChunk(sandbox: $0, messageBytes: 1, content: [0], spoolKey: [0]).packed },
            Row(.getSpoolKey, .ingest, only), Row(.watchConfigurations, .ingest, only),
            Row(.createConfiguration, .change) {
                CreateConfigurationRequest(sandbox: $0, name: "1", channel: .sms, settings: ConfigurationChange(), submit: false)
                    .packed
            },
            Row(.editConfiguration, .change) {
                EditConfigurationRequest(sandbox: $0, name: "c", settings: ConfigurationChange(), submit: true, ifVersion: nil)
                    .packed
            },
            Row(.submitConfiguration, .change, named), Row(.deactivateConfiguration, .change, named),
            Row(.activateConfiguration, .change, named),
            Row(.duplicateConfiguration, .change) {
                DuplicateConfigurationRequest(sandbox: $0, name: "nothing", newName: "n").packed
            },
            Row(.getConfiguration, .view, named), Row(.listConfigurations, .view, only),
            Row(.getRecords, .read, records), Row(.readRecords, .read, records),
            Row(.previewRecords, .read) { PreviewRecordsRequest(sandbox: $0, beforeSequence: 0, limit: 1).packed },
            Row(.queryRecords, .read) { RecordQuery.Request(sandbox: $0, query: RecordQuery()).packed },
            Row(.tailRecords, .read) { RecordQuery.Request(sandbox: $0, query: RecordQuery(), limit: 1).packed },
            Row(.verifyDataset, .view, only), Row(.getDataset, .view, only),
            Row(.eraseRecords, .administer) { EraseRecordsRequest(sandbox: $0, recipient: "a", confirm: "").packed },
            Row(.compactDataset, .administer) { SandboxRequest(sandbox: "\($0)-").packed },
            Row(.createDestination, .change) {
                CreateDestinationRequest(sandbox: $0, name: "1", settings: .local(path: "/nothing")).packed
            },
            Row(.getDestination, .view, named), Row(.listDestinations, .view, only),
            Row(.editDestination, .change) {
                EditDestinationRequest(sandbox: $0, name: "d", settings: ["path": "/nothing"]).packed
            },
            Row(.testDestination, .change, named),
            Row(.deleteDestination, .change, named),
            Row(.getSandbox, .view, only), Row(.getStatus, .view, only),
            Row(.listAuditEvents, .read) { ListAuditEventsRequest(sandbox: $0).packed },
            Row(.listAuditEvents, .administer) { ListAuditEventsRequest(sandbox: $0, organization: true).packed },
            Row(.verifyAudit, .read) { VerifyAuditRequest(sandbox: $0).packed },
            Row(.verifyAudit, .administer) { VerifyAuditRequest(sandbox: $0, organization: true).packed },
            Row(.createSandbox, .administer) { _ in
                CreateSandboxRequest(name: "-", title: "", kind: .development, timeZone: "", retentionDays: nil).packed
            },
            Row(.editSandbox, .administer, editing), Row(.resetSandbox, .administer, confirmed),
            Row(.deleteSandbox, .administer, confirmed), Row(.createGrant, .administer, grant),
            Row(.deleteGrant, .administer, grant),
            Row(.listGrants, .administer) { ListGrantsRequest(sandbox: $0).packed },
            Row(.getOrganization, .administer) { _ in GetOrganizationRequest().packed },
            Row(.editOrganization, .administer) { _ in EditOrganizationRequest().packed },
            Row(.listApprovals, .administer) { _ in ListApprovalsRequest().packed },
            Row(.createApproval, .administer) { _ in CreateApprovalRequest(kind: .host, value: "").packed },
            Row(.deleteApproval, .administer) { _ in DeleteApprovalRequest(kind: .host, value: "").packed },
            Row(.getMetrics, .administer) { _ in GetMetricsRequest().packed },
            Row(.getTime, .administer) { _ in GetTimeRequest().packed },
            Row(.confirmTime, .administer) { _ in ConfirmTimeRequest(wall: Instant(milliseconds: 0)).packed },
            Row(.listSandboxes, .nothing) { _ in ListSandboxesRequest().packed },
            Row(.checkHealth, .nothing) { _ in HealthCheckRequest(service: "").packed },
            Row(.watchHealth, .nothing) { _ in HealthCheckRequest(service: "").packed },
            Row(.reflect, .nothing) { _ in ReflectionRequest(question: .services("")).packed },
        ] + exports
    }

    private static var exports: [Row] {
        [
            Row(.createDataflow, .change) {
                CreateDataflowRequest(
                    sandbox: $0, name: "1", format: .json, mode: .incremental,
                    settings: DataflowSettings(destination: "d", compression: .gzip)
                ).packed
            },
            Row(.getDataflow, .view, named), Row(.listDataflows, .view, only), Row(.deleteDataflow, .change, named),
            Row(.editDataflow, .change) {
                EditDataflowRequest(sandbox: $0, name: "d", ifRevision: nil, change: DataflowChange()).packed
            },
            Row(.enableDataflow, .change, named), Row(.disableDataflow, .change, named),
            Row(.watchRun, .view, run), Row(.retryRun, .change, run), Row(.cancelRun, .change, run),
            Row(.listAlerts, .view) { ListAlertsRequest(sandbox: $0, openOnly: true, limit: 1).packed },
            Row(.startRun, .change) { StartRunRequest(sandbox: $0, dataflow: "nothing").packed },
            Row(.waitRun, .view, run), Row(.getRun, .view, run),
            Row(.listRuns, .view) { ListRunsRequest(sandbox: $0, dataflow: "", limit: 1).packed },
        ]
    }

    /// What a role may, as the table of the rules says.
    private static let rights: [Role: Set<Need>] = [
        .sender: [.ingest], .viewer: [.view], .operator: [.view, .change], .auditor: [.view, .read],
        .administrator: [.view, .administer],
    ]

    /// Somebody who calls, as the kernel sees them.
    private struct Caller: Sendable {
        let role: Role?
        let subject: Subject
        let identity: [String]
    }

    /// Roles by user id, by group and by a further group; one without any; one that the kernel cannot name.
    private static let callers: [Caller] = [
        Caller(role: .sender, subject: .user(5001), identity: ["--reuid", "5001", "--regid", "5001", "--clear-groups"]),
        Caller(role: .viewer, subject: .group(5002), identity: ["--reuid", "5100", "--regid", "5002", "--clear-groups"]),
        Caller(
            role: .operator, subject: .group(5003), identity: ["--reuid", "5100", "--regid", "5100", "--groups", "5200,5003"]),
        Caller(role: .auditor, subject: .user(5004), identity: ["--reuid", "5004", "--regid", "5100", "--clear-groups"]),
        Caller(
            role: .administrator, subject: .user(5005), identity: ["--reuid", "5005", "--regid", "5100", "--clear-groups"]),
        Caller(role: nil, subject: .user(5006), identity: ["--reuid", "5006", "--regid", "5006", "--groups", "5200"]),
        Caller(role: nil, subject: .user(65534), identity: ["--reuid", "65534", "--regid", "65534", "--clear-groups"]),
    ]

    @Test func `each method has its row, and by each role it is answered or refused as the table says`() async throws {
        let table = try Self.table()
        #expect(Set(table.map(\.method)) == Set(MethodName.all), "a method without a row")
        try #require(geteuid() == 0, "processes of other users are started by root")
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon(granting: false, options: ["--socket-mode", "0666"]) { daemon in
                chmod(folder.string, 0o755)
                for name in ["one", "two"] { _ = try await command(daemon, "sandbox", "create", name) }
                for caller in Self.callers {
                    guard let role = caller.role else { continue }
                    let whom =
                        switch caller.subject {
                        case .user(let id): ["--user", "\(id)"]
                        case .group(let id): ["--group", "\(id)"]
                        }
                    _ = try await command(daemon, "access", "grant", role.rawValue, "--sandbox", "one", arguments: whom)
                }
                let refused = try await daemon.msgexport("access", "grant", "sender", "--user", "65534")
                #expect(refused.code == 3, "an id that stands for anybody is given nothing")
                for caller in Self.callers { try await check(table, caller, daemon.socket) }
                // A role that is taken away is gone with the next call.
                _ = try await command(daemon, "access", "revoke", "sender", "--user", "5001", "--sandbox", "one")
                let found = try await codes(table, Self.callers[0], daemon.socket)
                #expect(found["0 one"] == 7)
            }
        }
    }

    @Test func `on a socket of one sandbox everybody may ingest there, and do nothing else`() async throws {
        let table = try Self.table()
        try #require(geteuid() == 0, "processes of other users are started by root")
        try await withTemporaryFolder { folder in
            let socket = folder.appending("one.s").string
            let options = ["--socket-mode", "0666", "--sandbox-socket", "one=\(socket)"]
            _ = try await DaemonFixture(folder).withDaemon(granting: false, options: options) { daemon in
                chmod(folder.string, 0o755)
                for name in ["one", "two"] { _ = try await command(daemon, "sandbox", "create", name) }
                // Whatever roles somebody has elsewhere.
                let roles = ["operator", "auditor", "administrator"]
                for role in roles { _ = try await command(daemon, "access", "grant", role, "--user", "5005", "--sandbox", "one") }
                for caller in [Self.callers[4], Self.callers[5]] {
                    let found = try await codes(table, caller, socket)
                    for (index, row) in table.enumerated() {
                        for sandbox in ["one", "two", "nothing", ""] {
                            let isAllowed = row.need == .nothing || (row.need == .ingest && ["one", ""].contains(sandbox))
                            #expect((found["\(index) \(sandbox)"] != 7) == isAllowed, "\(row.method) in '\(sandbox)'")
                        }
                    }
                }
                let overflow = try await codes(table, Self.callers[6], socket)
                #expect(overflow["0 one"] == 7)
            }
        }
    }

    private func check(_ table: [Row], _ caller: Caller, _ socket: String) async throws {
        let found = try await codes(table, caller, socket)
        let rights = caller.role.flatMap { Self.rights[$0] } ?? []
        for (index, row) in table.enumerated() {
            for sandbox in ["one", "two", "nothing", ""] {
                let isAllowed: Bool
                switch row.need {
                case .nothing: isAllowed = true
                case .administer: isAllowed = rights.contains(.administer)
                case .view: isAllowed = rights.contains(.view) && (sandbox == "one" || exists(sandbox, for: caller))
                case .ingest, .change, .read: isAllowed = rights.contains(row.need) && sandbox == "one"
                }
                let code = found["\(index) \(sandbox)"]
                #expect(
                    (code != 7) == isAllowed,
                    "\(row.method) by \(caller.role?.rawValue ?? "nobody") in '\(sandbox)': \(String(describing: code))")
            }
        }
    }

    /// An administrator sees names and states of every sandbox there is.
    private func exists(_ sandbox: String, for caller: Caller) -> Bool {
        caller.role == .administrator && sandbox != "nothing"
    }

    /// How each call of the table ends in each sandbox, by the number of its row and the sandbox's name.
    private func codes(_ table: [Row], _ caller: Caller, _ socket: String) async throws -> [String: Int] {
        var calls = ""
        for (index, row) in table.enumerated() {
            for sandbox in ["one", "two", "nothing", ""] {
                let call: [String: Any] = [
                    "name": "\(index) \(sandbox)", "service": row.method.service, "method": row.method.method,
                    "payload": row.payload(sandbox).map { String(format: "%02x", $0) }.joined(),
                    "streams": row.method.described.clientStreams,
                ]
                calls += String(decoding: try JSONSerialization.data(withJSONObject: call), as: UTF8.self) + "\n"
            }
        }
        // Where every user may read them.
        let folder = FilePath(socket).removingLastComponent()
        for name in ["access_table.py", "ttrpc.py"] {
            let copy = folder.appending(name).string
            guard !FileManager.default.fileExists(atPath: copy) else { continue }
            let script = Programs.repository.appending("Tests/IntegrationTests").appending(name).string
            try FileManager.default.copyItem(atPath: script, toPath: copy)
            chmod(copy, 0o644)
        }
        let ended = try await Programs.run(
            "/usr/bin/setpriv", caller.identity + ["/usr/bin/python3", folder.appending("access_table.py").string, socket],
            input: calls)
        try #require(ended.code == 0, "\(ended.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(ended.output.utf8)) as? [String: Int])
    }

    private func command(_ daemon: DaemonFixture.Running, _ words: String..., arguments: [String] = []) async throws -> String {
        let ended = try await Programs.run(Programs.client, words + arguments + ["--socket", daemon.socket])
        try #require(ended.code == 0, "\(words): \(ended.errors)")
        return ended.output
    }
}
