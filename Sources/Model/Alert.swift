/// Something about exports that somebody may have to look at.
public struct Alert: Hashable, Sendable {
    /// What it is about.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case runStarted = "RUN_STARTED"
        case runSucceeded = "RUN_SUCCEEDED"
        /// A run failed for good, or an attempt of it did, and it is tried again.
        case runFailed = "RUN_FAILED"
        /// A run takes longer than `Limits.runDelayMinutes`.
        case runDelayed = "RUN_DELAYED"
        /// Records have half of their life behind them, or a day before them, and are not exported.
        case atRisk = "AT_RISK"
        /// Records expired before they were exported.
        case expiredUnexported = "EXPIRED_UNEXPORTED"
        /// A dataflow's end date is near: what is stored after it is not exported.
        case endsSoon = "ENDS_SOON"
        /// What the destination is signed in to with ends within `Limits.signInWarningDays`, or has ended.
        case signInEnds = "SIGN_IN_ENDS"

        /// Whether it tells of a state that lasts until something changes, or else of something that happened.
        public var isState: Bool {
            switch self {
            case .runStarted, .runSucceeded, .expiredUnexported: false
            default: true
            }
        }
    }

    /// What it is about.
    public var kind: Kind
    /// Name of the dataflow.
    public var dataflow: String
    /// Id of the run; nil: it is about none.
    public var run: String?
    /// Since when.
    public var time: Instant
    /// More of it, for people.
    public var detail: String

    public init(kind: Kind, dataflow: String, run: String? = nil, time: Instant, detail: String) {
        self.kind = kind
        self.dataflow = dataflow
        self.run = run
        self.time = time
        self.detail = detail
    }
}
