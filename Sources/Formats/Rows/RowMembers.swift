import Model

// The optional texts of a row, each table in the order of the documented schema: what is written by it is read by it.

let executionMembers: [TextMember<Execution>] = [
    .init(30, "batchInstanceID", \.batchInstanceID) { $0.execution.batchInstanceID },
    .init(31, "campaignActionID", \.campaignActionID) { $0.execution.campaignActionID },
    .init(32, "campaignID", \.campaignID) { $0.execution.campaignID },
    .init(33, "campaignVersionID", \.campaignVersionID) { $0.execution.campaignVersionID },
    .init(34, "journeyActionID", \.journeyActionID) { $0.execution.journeyActionID },
    .init(35, "journeyVersionID", \.journeyVersionID) { $0.execution.journeyVersionID },
    .init(36, "journeyVersionInstanceID", \.journeyVersionInstanceID) { $0.execution.journeyVersionInstanceID },
    .init(37, "journeyVersionNodeID", \.journeyVersionNodeID) { $0.execution.journeyVersionNodeID },
    .init(38, "messageExecutionID", \.messageExecutionID) { $0.execution.messageExecutionID },
    .init(39, "messageID", \.messageID) { $0.execution.messageID },
    .init(40, "messagePublicationID", \.messagePublicationID) { $0.execution.messagePublicationID },
    .init(41, "messageType", \.messageType) { $0.execution.messageType },
    .init(42, "waveID", \.waveID) { $0.execution.waveID },
]

let audienceMembers: [TextMember<Execution.Audience>] = [
    .init(43, "id", \.id) { $0.execution.audience.id },
    .init(44, "type", \.type) { $0.execution.audience.type },
]

let sourceMembers: [TextMember<Execution.Source>] = [
    .init(45, "sourceActionID", \.sourceActionID) { $0.execution.parentSource.sourceActionID },
    .init(46, "sourceID", \.sourceID) { $0.execution.parentSource.sourceID },
    .init(47, "sourceType", \.sourceType) { $0.execution.parentSource.sourceType },
    .init(48, "sourceVersionID", \.sourceVersionID) { $0.execution.parentSource.sourceVersionID },
]

let profileMembers: [TextMember<Profile>] = [
    .init(55, "messageProfileID", \.messageProfileID) { $0.profile.messageProfileID },
    .init(56, "messageProfileTrackingID", \.messageProfileTrackingID) { $0.profile.messageProfileTrackingID },
    .init(57, "requestID", \.requestID) { $0.profile.requestID },
    .init(58, "secondaryDimensionID", \.secondaryDimensionID) { $0.profile.secondaryDimensionID },
    .init(59, "secondaryDimensionName", \.secondaryDimensionName) { $0.profile.secondaryDimensionName },
    .init(60, "variant", \.variant) { $0.profile.variant },
]

let channelMembers: [TextMember<Profile.ChannelContext>] = [
    .init(61, "mediaAction", \.mediaAction) { $0.profile.channel.mediaAction },
    .init(62, "mediaType", \.mediaType) { $0.profile.channel.mediaType },
    .init(63, "mode", \.mode) { $0.profile.channel.mode },
    .init(64, "referringSource", \.referringSource) { $0.profile.channel.referringSource },
    .init(65, "typeAtSource", \.typeAtSource) { $0.profile.channel.typeAtSource },
]

/// An optional text of a value, with its number and its name in a row.
struct TextMember<Value>: Sendable {
    let name: String
    let value: any WritableKeyPath<Value, String?> & Sendable
    let field: Field<RecordRow>

    /// - Parameters:
    ///   - value: where it is read to.
    ///   - text: the same in a row that is written. Not by the path: that would copy all values on the way.
    init(
        _ id: Int32, _ name: String, _ value: any WritableKeyPath<Value, String?> & Sendable,
        _ text: @escaping @Sendable (RecordRow) -> String?
    ) {
        self.name = name
        self.value = value
        field = Field(id, name, .text, text)
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
