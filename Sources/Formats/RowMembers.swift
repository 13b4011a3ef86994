import Model

// The optional texts of a row, each table in the order of the documented schema: what is written by it is read by it.

let executionMembers: [TextMember<Execution>] = [
    .init("batchInstanceID", \.batchInstanceID),
    .init("campaignActionID", \.campaignActionID),
    .init("campaignID", \.campaignID),
    .init("campaignVersionID", \.campaignVersionID),
    .init("journeyActionID", \.journeyActionID),
    .init("journeyVersionID", \.journeyVersionID),
    .init("journeyVersionInstanceID", \.journeyVersionInstanceID),
    .init("journeyVersionNodeID", \.journeyVersionNodeID),
    .init("messageExecutionID", \.messageExecutionID),
    .init("messageID", \.messageID),
    .init("messagePublicationID", \.messagePublicationID),
    .init("messageType", \.messageType),
    .init("waveID", \.waveID),
]

let audienceMembers: [TextMember<Execution.Audience>] = [
    .init("id", \.id),
    .init("type", \.type),
]

let sourceMembers: [TextMember<Execution.Source>] = [
    .init("sourceActionID", \.sourceActionID),
    .init("sourceID", \.sourceID),
    .init("sourceType", \.sourceType),
    .init("sourceVersionID", \.sourceVersionID),
]

let profileMembers: [TextMember<Profile>] = [
    .init("messageProfileID", \.messageProfileID),
    .init("messageProfileTrackingID", \.messageProfileTrackingID),
    .init("requestID", \.requestID),
    .init("secondaryDimensionID", \.secondaryDimensionID),
    .init("secondaryDimensionName", \.secondaryDimensionName),
    .init("variant", \.variant),
]

let channelMembers: [TextMember<Profile.ChannelContext>] = [
    .init("mediaAction", \.mediaAction),
    .init("mediaType", \.mediaType),
    .init("mode", \.mode),
    .init("referringSource", \.referringSource),
    .init("typeAtSource", \.typeAtSource),
]

/// An optional text of a value and its name in a row.
struct TextMember<Value>: Sendable {
    let name: String
    let value: any WritableKeyPath<Value, String?> & Sendable

    init(_ name: String, _ value: any WritableKeyPath<Value, String?> & Sendable) {
        self.name = name
        self.value = value
    }
}

extension JSONWriter {
    mutating func members<Value>(_ table: [TextMember<Value>], of value: Value) {
        for field in table { member(field.name, value[keyPath: field.value]) }
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
