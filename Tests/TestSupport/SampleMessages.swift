package import Model

extension Message {
    /// An email with every field of the product set to something of its own.
    package static func emailWithEveryField(id: String = "sample-email", configuration: String = "mail") throws -> Message {
        var email = Email(
            from: Address(email: "ada@example.com", name: "Ada 🦷"),
            to: [Address(email: "bob@example.com", name: "Bob"), Address(email: "carol@example.com")],
            cc: [Address(email: "dan@example.com", name: "Dan")], bcc: [Address(email: "eve@example.com")],
            replyTo: [Address(email: "reply@example.com", name: "Replies")], errorAddress: "bounce@example.com",
            subject: "Grüße", text: "line\u{0}after NUL", html: "<p>café</p>",
            headers: [Header(name: "X-Same", value: "1"), Header(name: "X-Same", value: "")])
        email.attachments = [
            Attachment(name: "a.txt", type: "text/plain", content: Array("hello".utf8)),
            Attachment(name: nil, type: "image/png", content: [0, 255, 0]),
        ]
        email.raw = Array("Subject: raw\r\n\r\n".utf8) + [0, 255]
        return try withEveryField(id: id, configuration: configuration, content: .email(email))
    }

    /// An MMS with every field of the product set to something of its own.
    package static func smsWithEveryField(id: String = "sample-sms", configuration: String = "sms") throws -> Message {
        let sms = Sms(
            senderNumbers: ["24365", "+12025550100"], recipientNumber: "+12025550123", text: "今日は", title: "Title",
            media: "https://example.com/m.png")
        return try withEveryField(id: id, configuration: configuration, content: .sms(sms))
    }

    private static func withEveryField(id: String, configuration: String, content: Content) throws -> Message {
        var execution = Execution()
        execution.batchInstanceID = "batch"
        execution.campaignActionID = "campaign-action"
        execution.campaignID = "campaign"
        execution.campaignVersionID = "campaign-version"
        execution.journeyActionID = "journey-action"
        execution.journeyVersionID = "journey-version"
        execution.journeyVersionInstanceID = "journey-instance"
        execution.journeyVersionNodeID = "journey-node"
        execution.messageExecutionID = "HUMA-1"
        execution.messageID = "publication-0"
        execution.messagePublicationID = "publication"
        execution.messageType = "marketing"
        execution.waveID = "wave"
        execution.audience.id = "audience"
        execution.audience.type = "targeted"
        execution.fragmentPublicationIDs = ["fragment-1", "fragment-2"]
        execution.metadata = ["z": "last", "a": "first", "": "no key", "ключ": ""]
        execution.parentSource.sourceActionID = "source-action"
        execution.parentSource.sourceID = "source"
        execution.parentSource.sourceType = "source-type"
        execution.parentSource.sourceVersionID = "source-version"
        var profile = Profile()
        profile.messageProfileID = "profile"
        profile.messageProfileTrackingID = "tracking"
        profile.requestID = "request"
        profile.secondaryDimensionID = "dimension"
        profile.secondaryDimensionName = "dimension-name"
        profile.variant = "B"
        profile.isSendTimeOptimized = false
        profile.isTestExecution = true
        profile.channel.mediaAction = "media-action"
        profile.channel.mediaType = "media-type"
        profile.channel.mode = "mode"
        profile.channel.referringSource = "referring"
        profile.channel.typeAtSource = "at-source"
        profile.channel.contentTypes = ["content-1", "content-2"]
        profile.channel.locationTypes = ["location"]
        profile.channel.metricTypes = ["metric"]
        return Message(
            id: try MessageID(id), configuration: configuration, sentAt: Instant(milliseconds: 1_795_435_199_250),
            content: content, deliveryState: .outOfBand, execution: execution, profile: profile,
            identities: [
                Identity(namespace: "crmId", id: "4711", authenticatedState: "loggedOut", isPrimary: false),
                Identity(namespace: "email", id: "bob@example.com", isPrimary: true),
                Identity(namespace: "email", id: "b@example.com"),
            ], eventType: "message.proof", producedBy: "billing")
    }
}
