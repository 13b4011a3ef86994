import Messages
public import Model
import RPC

extension MessageExportClient {
    // MARK: Organization

    /// The daemon's organization. For administrators.
    public func organization() async throws(Status) -> Organization {
        try await call(.getOrganization, GetOrganizationRequest())
    }

    /// Changes its name or entitlement; nil: it stays as it is. For administrators.
    ///
    /// - Parameter revision: that the change was made for; nil: whatever it is.
    /// - Throws: `aborted` when somebody else changed it first.
    public func editOrganization(
        name: String? = nil, messageExport: Bool? = nil, ifRevision revision: UInt64? = nil
    ) async throws(Status) -> Organization {
        try await call(
            .editOrganization, EditOrganizationRequest(name: name, messageExport: messageExport, ifRevision: revision))
    }

    /// What the daemon counts and measures, as OpenMetrics. For administrators.
    public func metrics() async throws(Status) -> String {
        let page: MetricsPage = try await call(.getMetrics, GetMetricsRequest())
        return page.text
    }

    /// What the daemon's clocks say. For administrators.
    public func time() async throws(Status) -> ClockReading { try await call(.getTime, GetTimeRequest()) }

    /// Says that the daemon's wall clock is right, and shows about `wall`; it is believed when this returns. For administrators.
    /// - Throws: `failedPrecondition` when it shows something else.
    public func confirmTime(wall: Instant) async throws(Status) -> ClockReading {
        try await call(.confirmTime, ConfirmTimeRequest(wall: wall))
    }

    // MARK: Sandboxes

    /// Makes a sandbox; it is ready when this returns. For administrators.
    public func createSandbox(
        name: String, title: String = "", kind: Sandbox.Kind = .development, timeZone: String = "", retentionDays: Int? = nil
    ) async throws(Status) -> Sandbox {
        try await call(
            .createSandbox,
            CreateSandboxRequest(
                name: name, title: title, kind: kind, timeZone: timeZone,
                retentionDays: retentionDays.map { UInt32(clamping: $0) }))
    }

    /// Changes title or settings; nil: it stays as it is. What is stored keeps its day and its expiry. For administrators.
    ///
    /// - Parameters:
    ///   - quotas: each nil: it stays as it is; 0: no limit of its own.
    ///   - revision: that the change was made for; nil: whatever it is.
    /// - Throws: `aborted` when somebody else changed it first.
    public func editSandbox(
        name: String, title: String? = nil, timeZone: String? = nil, retentionDays: Int? = nil,
        quotas: Sandbox.Quotas = Sandbox.Quotas(), ifRevision revision: UInt64? = nil
    ) async throws(Status) -> Sandbox {
        var request = EditSandboxRequest(sandbox: name)
        request.title = title
        request.timeZone = timeZone
        request.retentionDays = retentionDays.map { UInt32(clamping: $0) }
        request.quotaBytes = quotas.bytes
        request.quotaRecordsPerDay = quotas.recordsPerDay
        request.quotaRecordsPerSecond = quotas.recordsPerSecond
        request.ifRevision = revision
        return try await call(.editSandbox, request)
    }

    /// Destroys all that is in a sandbox, and begins a new epoch; name, settings and grants stay. For administrators.
    ///
    /// - Parameter confirm: the name again.
    public func resetSandbox(name: String, confirm: String) async throws(Status) -> Sandbox {
        try await call(.resetSandbox, ConfirmedSandboxRequest(sandbox: name, confirm: confirm))
    }

    /// Destroys a sandbox with all that is in it, its grants included; returns what it was. For administrators.
    ///
    /// - Parameter confirm: the name again.
    @discardableResult
    public func deleteSandbox(name: String, confirm: String) async throws(Status) -> Sandbox {
        try await call(.deleteSandbox, ConfirmedSandboxRequest(sandbox: name, confirm: confirm))
    }

    /// A sandbox by its name.
    /// - Throws: `permissionDenied`, whether it does not exist or may not be seen.
    public func sandbox(name: String) async throws(Status) -> Sandbox {
        try await call(.getSandbox, SandboxRequest(sandbox: name))
    }

    /// Those that may be seen, by name.
    public func sandboxes() async throws(Status) -> [Sandbox] {
        let answer: SandboxList = try await call(.listSandboxes, ListSandboxesRequest())
        return answer.sandboxes
    }

    // MARK: Grants

    /// Gives a role in this client's sandbox or, of an administrator, in the organization. For administrators.
    @discardableResult
    public func grant(_ role: Role, to subject: Subject) async throws(Status) -> Grant {
        try await call(.createGrant, GrantRequest(role: role, subject: subject, sandbox: role == .administrator ? "" : sandbox))
    }

    /// Takes a role away: calls that begin from when this returns are refused. For administrators.
    @discardableResult
    public func revoke(_ role: Role, of subject: Subject) async throws(Status) -> Grant {
        try await call(.deleteGrant, GrantRequest(role: role, subject: subject, sandbox: role == .administrator ? "" : sandbox))
    }

    /// All grants, or those of one sandbox. For administrators.
    public func grants(sandbox: String? = nil) async throws(Status) -> [Grant] {
        let answer: GrantList = try await call(.listGrants, ListGrantsRequest(sandbox: sandbox ?? ""))
        return answer.grants
    }

    // MARK: Audit

    /// Which events are wanted; nil: whatever it is.
    public struct AuditQuery: Hashable, Sendable {
        /// The organization's chain instead of this client's sandbox's.
        public var organization = false
        /// User id.
        public var user: UInt32?
        /// What was done.
        public var action: AuditEvent.Action?
        /// How it ended.
        public var outcome: AuditEvent.Outcome?
        /// From then on.
        public var since: Instant?
        /// Before then.
        public var until: Instant?
        /// The newest so many of these; nil: all.
        public var limit: Int?

        public init(organization: Bool = false) {
            self.organization = organization
        }
    }

    /// Hands the events of a chain to `body`, in order, and returns the chain's head. For auditors of the sandbox, or administrators.
    public func auditEvents(
        _ query: AuditQuery = AuditQuery(), _ body: ([AuditEvent]) throws(Status) -> Void
    ) async throws(Status) -> AuditHead? {
        var request = ListAuditEventsRequest(sandbox: sandbox, organization: query.organization)
        request.user = query.user
        request.action = query.action
        request.outcome = query.outcome
        request.since = query.since
        request.until = query.until
        request.limit = UInt32(clamping: query.limit ?? 0)
        return try await client.stream(MethodName.listAuditEvents.described, request.packed, timeout: timeout) {
            (stream) throws(Status) in
            var head: AuditHead?
            try await stream.forEachMessage { (message) throws(Status) in
                let answer = try AuditAnswer(packed: message)
                try body(answer.events)
                head = answer.head ?? head
            }
            return head
        }
    }

    /// What a check of a whole chain found.
    public struct AuditVerification: Hashable, Sendable {
        /// Events that were checked.
        public let events: UInt64
        /// What is wrong; nil: nothing.
        public let failure: String?
        /// Number of the first event that is not as it was; nil: the head is not, or nothing is wrong.
        public let firstBroken: UInt64?
        /// Ends of the chain that was checked.
        public let head: AuditHead?
    }

    /// Lets the daemon check a chain as it is kept. For auditors of the sandbox, or administrators.
    public func verifyAudit(organization: Bool = false) async throws(Status) -> AuditVerification {
        let verdict: AuditVerdict = try await call(
            .verifyAudit, VerifyAuditRequest(sandbox: sandbox, organization: organization))
        return AuditVerification(
            events: verdict.events, failure: verdict.failure, firstBroken: verdict.firstBroken == 0 ? nil : verdict.firstBroken,
            head: verdict.head)
    }
}
