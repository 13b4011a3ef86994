import Messages
public import Model

extension MessageExportClient {
    // MARK: Destinations

    /// Makes a destination. Unless it is taken untested, it is tried: the daemon must be able to deliver there.
    ///
    /// - Parameter secrets: by the names of the type's options; they are never told again.
    /// - Throws: `failedPrecondition` when nothing can be delivered there, or the administrator has not approved its host or folder.
    public func createDestination(
        name: String, settings: Destination.Settings, secrets: [String: Secret] = [:], skipTest: Bool = false
    ) async throws(Status) -> Destination {
        try await call(
            .createDestination,
            CreateDestinationRequest(sandbox: sandbox, name: name, settings: settings, secrets: secrets, skipTest: skipTest),
            timeout: trying)
    }

    /// A destination by its name.
    /// - Throws: `notFound` when there is none of that name.
    public func destination(name: String) async throws(Status) -> Destination {
        try await call(.getDestination, NameRequest(sandbox: sandbox, name: name))
    }

    /// All of the sandbox, by name.
    public func destinations() async throws(Status) -> [Destination] {
        let answer: DestinationList = try await call(.listDestinations, SandboxRequest(sandbox: sandbox))
        return answer.destinations
    }

    /// Changes what is given of a destination: an empty value takes one away. It is tried as a new one is.
    ///
    /// - Throws: `failedPrecondition` while a run delivers to it, when it would be elsewhere.
    public func editDestination(
        name: String, settings: [String: String], secrets: [String: Secret] = [:], skipTest: Bool = false
    ) async throws(Status) -> Destination {
        try await call(
            .editDestination,
            EditDestinationRequest(sandbox: sandbox, name: name, settings: settings, secrets: secrets, skipTest: skipTest),
            timeout: trying)
    }

    /// Writes a small file to a destination, reads it back, lists it and removes it.
    ///
    /// - Returns: what was tried, up to what failed first.
    public func testDestination(name: String) async throws(Status) -> [DestinationCheck] {
        let answer: DestinationTest = try await call(
            .testDestination, NameRequest(sandbox: sandbox, name: name), timeout: trying)
        return answer.checks
    }

    /// Removes a destination and returns what it was; what was delivered stays.
    /// - Throws: `failedPrecondition` while a dataflow exports to it.
    @discardableResult
    public func deleteDestination(name: String) async throws(Status) -> Destination {
        try await call(.deleteDestination, NameRequest(sandbox: sandbox, name: name))
    }

    /// A destination that hangs is waited for by the daemon, each step anew.
    private var trying: Duration { .seconds(3600) }

    // MARK: Approvals

    /// What operators may deliver to, and encrypt to. For administrators.
    public func approvals() async throws(Status) -> [Approval] {
        let answer: ApprovalList = try await call(.listApprovals, ListApprovalsRequest())
        return answer.approvals
    }

    /// Approves a host or a folder. For administrators.
    @discardableResult
    public func approve(_ kind: Approval.Kind, _ value: String) async throws(Status) -> Approval {
        try await call(.createApproval, CreateApprovalRequest(kind: kind, value: value))
    }

    /// Approves an OpenPGP public key, armored or not; its fingerprint is in the answer. For administrators.
    public func approve(openPGP publicKey: [UInt8]) async throws(Status) -> Approval {
        try await call(.createApproval, CreateApprovalRequest(kind: .openPGP, value: "", publicKey: publicKey))
    }

    /// Withdraws an approval: what needs it stays, and delivers no more. For administrators.
    @discardableResult
    public func withdraw(_ kind: Approval.Kind, _ value: String) async throws(Status) -> Approval {
        try await call(.deleteApproval, DeleteApprovalRequest(kind: kind, value: value))
    }
}
