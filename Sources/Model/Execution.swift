/// Where a message came from, in XDM's words (`messageExecution`). What is nil or empty was not said.
public struct Execution: Hashable, Sendable {
    public var batchInstanceID: String?
    public var campaignActionID: String?
    public var campaignID: String?
    public var campaignVersionID: String?
    public var journeyActionID: String?
    public var journeyVersionID: String?
    public var journeyVersionInstanceID: String?
    public var journeyVersionNodeID: String?
    public var messageExecutionID: String?
    /// XDM's messageID, which is not the `Message.id`.
    public var messageID: String?
    public var messagePublicationID: String?
    /// Such as `marketing` or `transactional`.
    public var messageType: String?
    public var waveID: String?
    public var audience = Audience()
    public var fragmentPublicationIDs: [String] = []
    /// The sender's own data.
    public var metadata: [String: String] = [:]
    public var parentSource = Source()

    /// Whom the campaign or journey was for, in XDM's words.
    public struct Audience: Hashable, Sendable {
        public var id: String?
        /// Such as `targeted` or `all`.
        public var type: String?

        public init() {}
    }

    /// What the sending campaign or journey was made from.
    public struct Source: Hashable, Sendable {
        public var sourceActionID: String?
        public var sourceID: String?
        public var sourceType: String?
        public var sourceVersionID: String?

        public init() {}
    }

    public init() {}
}
