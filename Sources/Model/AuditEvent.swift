/// Something that was done, asked for or refused: one link of a chain. It holds no content.
public struct AuditEvent: Hashable, Sendable {
    /// What was done, or was to be.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case daemonStart = "daemon.start"
        case daemonStop = "daemon.stop"
        case daemonReload = "daemon.reload"
        case masterKeyRotate = "master-key.rotate"
        case organizationEdit = "organization.edit"
        case approvalCreate = "approval.create"
        case approvalDelete = "approval.delete"
        case sandboxCreate = "sandbox.create"
        case sandboxEdit = "sandbox.edit"
        case sandboxReset = "sandbox.reset"
        case sandboxDelete = "sandbox.delete"
        case grantCreate = "grant.create"
        case grantDelete = "grant.delete"
        case configurationCreate = "configuration.create"
        case configurationEdit = "configuration.edit"
        case configurationSubmit = "configuration.submit"
        case configurationDeactivate = "configuration.deactivate"
        case configurationActivate = "configuration.activate"
        case configurationDuplicate = "configuration.duplicate"
        case destinationCreate = "destination.create"
        case destinationEdit = "destination.edit"
        case destinationTest = "destination.test"
        case destinationDelete = "destination.delete"
        case dataflowCreate = "dataflow.create"
        case dataflowEdit = "dataflow.edit"
        case dataflowEnable = "dataflow.enable"
        case dataflowDisable = "dataflow.disable"
        case dataflowDelete = "dataflow.delete"
        case runStart = "run.start"
        case runAttempt = "run.attempt"
        case runRetry = "run.retry"
        case runCancel = "run.cancel"
        case runEnd = "run.end"
        case recordRead = "record.read"
        case recordPreview = "record.preview"
        case recordQuery = "record.query"
        case recordTail = "record.tail"
        case recordErase = "record.erase"
        case datasetCompact = "dataset.compact"
        case recordExpire = "record.expire"
        case recordExpireUnexported = "record.expire-unexported"
        case accessRefused = "access.refused"
        case spoolRefused = "spool.refused"
        case dataRestore = "data.restore"
        case timeDoubtful = "time.doubtful"
        case timeTrusted = "time.trusted"
    }

    /// What became of it.
    public enum Outcome: String, Hashable, Sendable, CaseIterable {
        case done
        /// It is about to be done; another event tells how it ended.
        case intended
        case failed
        case refused
    }

    /// Id of the sandbox it is about; empty: the organization.
    public var chain: String
    /// Its place in its chain, from 1.
    public var number: UInt64
    /// When, by the daemon's trusted time.
    public var time: Instant
    /// Who, as the kernel names the user; nil: the daemon itself.
    public var user: UInt32?
    /// What.
    public var action: Action
    /// On which thing: a name or an id; empty: there is no one thing.
    public var object: String
    /// How it ended.
    public var outcome: Outcome
    /// How often, for what is counted.
    public var count: UInt64
    /// More of it, for people: what was changed, or why it failed.
    public var detail: String
    /// SHA-256 over the event and the hash of the one before it.
    public var hash: [UInt8]

    public init(
        chain: String, number: UInt64, time: Instant, user: UInt32?, action: Action, object: String, outcome: Outcome,
        count: UInt64 = 1, detail: String = "", hash: [UInt8] = []
    ) {
        self.chain = chain
        self.number = number
        self.time = time
        self.user = user
        self.action = action
        self.object = object
        self.outcome = outcome
        self.count = count
        self.detail = detail
        self.hash = hash
    }
}

/// The two ends of a chain, signed: nothing can be taken off either of them unseen.
public struct AuditHead: Hashable, Sendable {
    /// Id of the sandbox; empty: the organization.
    public var chain: String
    /// Number of the first event that is kept; older ones were let go of when their time was over.
    public var firstNumber: UInt64
    /// Hash of the event before the first one.
    public var firstPrevious: [UInt8]
    /// Number of the last event; one less than the first: there is none.
    public var number: UInt64
    /// Hash of the last event.
    public var hash: [UInt8]
    /// When the last event was added.
    public var time: Instant
    /// Ed25519, by the organization's signing key.
    public var signature: [UInt8]

    public init(
        chain: String, firstNumber: UInt64, firstPrevious: [UInt8], number: UInt64, hash: [UInt8], time: Instant,
        signature: [UInt8] = []
    ) {
        self.chain = chain
        self.firstNumber = firstNumber
        self.firstPrevious = firstPrevious
        self.number = number
        self.hash = hash
        self.time = time
        self.signature = signature
    }
}
