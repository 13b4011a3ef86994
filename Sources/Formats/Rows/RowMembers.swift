import Model

// The optional texts of a row, each table in the order of the documented schema: what is written by it is read by it.

let executionMembers: [TextMember<Execution>] = [
    .init(30, "batchInstanceID", \.batchInstanceID),
    .init(31, "campaignActionID", \.campaignActionID),
    .init(32, "campaignID", \.campaignID),
    .init(33, "campaignVersionID", \.campaignVersionID),
    .init(34, "journeyActionID", \.journeyActionID),
    .init(35, "journeyVersionID", \.journeyVersionID),
    .init(36, "journeyVersionInstanceID", \.journeyVersionInstanceID),
    .init(37, "journeyVersionNodeID", \.journeyVersionNodeID),
    .init(38, "messageExecutionID", \.messageExecutionID),
    .init(39, "messageID", \.messageID),
    .init(40, "messagePublicationID", \.messagePublicationID),
    .init(41, "messageType", \.messageType),
    .init(42, "waveID", \.waveID),
]

let audienceMembers: [TextMember<Execution.Audience>] = [
    .init(43, "id", \.id),
    .init(44, "type", \.type),
]

let sourceMembers: [TextMember<Execution.Source>] = [
    .init(45, "sourceActionID", \.sourceActionID),
    .init(46, "sourceID", \.sourceID),
    .init(47, "sourceType", \.sourceType),
    .init(48, "sourceVersionID", \.sourceVersionID),
]

let profileMembers: [TextMember<Profile>] = [
    .init(55, "messageProfileID", \.messageProfileID),
    .init(56, "messageProfileTrackingID", \.messageProfileTrackingID),
    .init(57, "requestID", \.requestID),
    .init(58, "secondaryDimensionID", \.secondaryDimensionID),
    .init(59, "secondaryDimensionName", \.secondaryDimensionName),
    .init(60, "variant", \.variant),
]

let channelMembers: [TextMember<Profile.ChannelContext>] = [
    .init(61, "mediaAction", \.mediaAction),
    .init(62, "mediaType", \.mediaType),
    .init(63, "mode", \.mode),
    .init(64, "referringSource", \.referringSource),
    .init(65, "typeAtSource", \.typeAtSource),
]

/// An optional text of a value, with its number and its name in a row.
struct TextMember<Value>: Sendable {
    let id: Int32
    let name: String
    let value: any WritableKeyPath<Value, String?> & Sendable

    init(_ id: Int32, _ name: String, _ value: any WritableKeyPath<Value, String?> & Sendable) {
        self.id = id
        self.name = name
        self.value = value
    }

    /// The same text as a member of a value that holds the other in it.
    func field<Root>(of root: @escaping @Sendable (Root) -> Value) -> Field<Root> {
        Field(id, name, .text) { [value] in root($0)[keyPath: value] }
    }
}

extension JSONReader {
    mutating func read<Value>(_ table: [TextMember<Value>], into value: inout Value) throws(Status) {
        for field in table { value[keyPath: field.value] = try text(field.name) }
    }
}

extension Message {
    /// The first recipient, as what rows say it concerns where the sender does not.
    var recipientIdentity: Identity? {
        let (namespace, id): (String, String?) =
            switch content {
            case .email(let email): ("email", email.to.first?.email)
            case .sms(let sms): ("phone", sms.recipientNumber)
            }
        return id.map { Identity(namespace: namespace, id: $0, authenticatedState: "ambiguous", isPrimary: true) }
    }

    static let defaultEventType = "message.sent"
    static let defaultProducer = "message-export"
}
