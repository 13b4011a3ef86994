/// How a message was made and for which profile, in XDM's words (`messageProfile`). What is nil or empty was not said.
public struct Profile: Hashable, Sendable {
    public var messageProfileID: String?
    public var messageProfileTrackingID: String?
    public var requestID: String?
    public var secondaryDimensionID: String?
    public var secondaryDimensionName: String?
    public var variant: String?
    public var isSendTimeOptimized: Bool?
    /// Whether it is a test send (a proof).
    public var isTestExecution: Bool?
    public var channel = ChannelContext()

    /// What is known of the channel beside what the content tells.
    public struct ChannelContext: Hashable, Sendable {
        public var mediaAction: String?
        public var mediaType: String?
        public var mode: String?
        public var referringSource: String?
        public var typeAtSource: String?
        public var contentTypes: [String] = []
        public var locationTypes: [String] = []
        public var metricTypes: [String] = []

        public init() {}
    }

    public init() {}
}
