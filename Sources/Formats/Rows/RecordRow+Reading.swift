import Crypto
import Foundation
package import Model

extension RecordRow {
    /// The message of a row that `write` made, or that another program made in the same shape.
    ///
    /// What the daemon decides at the ingestion is not taken from it: sequence, times of ingestion and expiry, sandbox.
    /// - Parameters:
    ///   - line: one JSON object.
    ///   - configuration: name of the channel configuration to ingest it with; nil: the name that the row says.
    /// - Throws: `invalidArgument` naming the member when the row is not of that shape: nothing of a row is passed over.
    package static func message(_ line: [UInt8], configuration: String?) throws(Status) -> Message {
        try JSONReader.object(in: line) { (row) throws(Status) in
            guard let id = try row.text("_id") else { throw Status(.invalidArgument, "the row has no id", field: "_id") }
            let sentAt = try row.text("timestamp")
            let eventType = try row.text("eventType")
            let producedBy = try row.text("producedBy")
            let identities = try readIdentities(&row)
            let journey = try row.object("_experience") { (json) throws(Status) in
                try json.object("customerJourneyManagement") { (json) throws(Status) in try Journey(&json) }
            }
            guard let journey = journey ?? nil else {
                throw Status(.invalidArgument, "the row has no content", field: "_experience.customerJourneyManagement")
            }
            let export = try row.object("messageExport") { (json) throws(Status) in try Export(&json) }
            guard let configuration = configuration ?? export?.configuration else {
                throw Status(
                    .invalidArgument, "the row names no channel configuration", field: "messageExport.configuration.name",
                    hint: "name the one to ingest it with")
            }
            var message = Message(
                id: try MessageID(id), configuration: configuration, sentAt: try instant(sentAt),
                content: try journey.content(export), deliveryState: export?.deliveryState, execution: journey.execution,
                profile: journey.profile, eventType: eventType == Message.defaultEventType ? nil : eventType,
                producedBy: producedBy == Message.defaultProducer ? nil : producedBy)
            if let isTest = export?.isTest, isTest != (message.profile.isTestExecution ?? isTest) {
                throw Status(.invalidArgument, "it contradicts messageProfile.isTestExecution", field: "messageExport.test")
            }
            if export?.isTest == true { message.profile.isTestExecution = true }
            // What a row says for want of better was not said by the sender.
            if identities != message.recipientIdentity.map({ [$0] }) { message.identities = identities }
            return message
        }
    }

    private static func instant(_ text: String?) throws(Status) -> Instant? {
        guard let text else { return nil }
        guard let instant = Instant(text), instant.milliseconds != 0 else {
            throw Status(.invalidArgument, "a time such as 2026-11-23T09:30:00.000Z is expected", field: "timestamp")
        }
        return instant
    }

    private static func readIdentities(_ row: inout JSONReader) throws(Status) -> [Identity] {
        try row.object("identityMap") { (json) throws(Status) in
            var identities: [Identity] = []
            for namespace in json.names {
                identities += try json.objects(namespace) { (json) throws(Status) in
                    guard let id = try json.text("id") else { throw json.wrong("id", "a string") }
                    return Identity(
                        namespace: namespace, id: id, authenticatedState: try json.text("authenticatedState"),
                        isPrimary: try json.flag("primary"))
                }
            }
            return identities
        } ?? []
    }
}

/// The documented part of a row.
private struct Journey {
    private(set) var execution = Execution()
    private(set) var profile = Profile()
    /// Of the metadata and the content, email or SMS.
    private var email = Email()
    private var sms = Sms(senderNumbers: [], recipientNumber: "", text: "")
    private var isEmail = false
    private var isSms = false
    private var hasEmailMetadata = false
    private var hasSmsMetadata = false

    init(_ json: inout JSONReader) throws(Status) {
        try json.object("messageDeliveryMetadata") { (json) throws(Status) in
            try json.object("emailMetadata") { (json) throws(Status) in
                hasEmailMetadata = true
                try readEmailMetadata(&json)
            }
            try json.object("smsMetadata") { (json) throws(Status) in
                hasSmsMetadata = true
                try readSmsMetadata(&json)
            }
        }
        try json.object("messageExecution") { (json) throws(Status) in try readExecution(&json) }
        try json.object("messageProfile") { (json) throws(Status) in try readProfile(&json) }
        try json.object("messageRenderedContent") { (json) throws(Status) in
            try json.object("emailContent") { (json) throws(Status) in
                isEmail = true
                email.html = try json.text("html")
                email.subject = try json.text("subject")
                email.text = try json.text("text")
            }
            try json.object("smsContent") { (json) throws(Status) in
                isSms = true
                sms.media = try json.text("media")
                sms.text = try json.text("message") ?? ""
                sms.title = try json.text("title")
            }
        }
    }

    /// What was sent; XDM has room for one recipient, the group `messageExport` for all.
    func content(_ export: Export?) throws(Status) -> Message.Content {
        guard isEmail != isSms else {
            throw Status(
                .invalidArgument, "either emailContent or smsContent is expected",
                field: "_experience.customerJourneyManagement.messageRenderedContent")
        }
        guard isEmail ? !hasSmsMetadata : !hasEmailMetadata && export?.isOfEmail != true else {
            throw Status(
                .invalidArgument, "\(isEmail ? "an email has what an SMS" : "an SMS has what an email") has",
                field: "_experience.customerJourneyManagement.messageDeliveryMetadata")
        }
        guard isEmail else { return .sms(sms) }
        var email = email
        if let export {
            email.to = try whole(email.to, export.to, "to")
            email.cc = try whole(email.cc, export.cc, "cc")
            email.bcc = try whole(email.bcc, export.bcc, "bcc")
            email.replyTo = try whole(email.replyTo, export.replyTo, "replyTo")
            email.headers = export.headers
            email.attachments = export.attachments
            email.raw = export.raw
        }
        return .email(email)
    }

    /// The addresses of the group, which XDM's must be the first of.
    private func whole(_ documented: [Address], _ ours: [Address], _ name: String) throws(Status) -> [Address] {
        guard !ours.isEmpty else { return documented }
        guard documented.isEmpty || ours.map(\.email).starts(with: documented.map(\.email)) else {
            throw Status(.invalidArgument, "it contradicts emailMetadata", field: "messageExport.\(name)")
        }
        return ours
    }

    private mutating func readEmailMetadata(_ json: inout JSONReader) throws(Status) {
        try json.object("recipient") { (json) throws(Status) in
            email.bcc = try json.texts("bcc").map { Address(email: $0) }
            email.cc = try json.texts("cc").map { Address(email: $0) }
            if let first = try address(&json, "email", "name") { email.to = [first] }
        }
        try json.object("sender") { (json) throws(Status) in
            email.from = try address(&json, "email", "name")
            if let replyTo = try address(&json, "replyToEmail", "replyToName") { email.replyTo = [replyTo] }
            email.errorAddress = try json.text("errorEmail")
        }
    }

    private func address(_ json: inout JSONReader, _ email: String, _ name: String) throws(Status) -> Address? {
        let named = try json.text(name)
        guard let address = try json.text(email) else {
            guard named == nil else { throw json.wrong(email, "an address beside the name") }
            return nil
        }
        return Address(email: address, name: named)
    }

    private mutating func readSmsMetadata(_ json: inout JSONReader) throws(Status) {
        try json.object("recipient") { (json) throws(Status) in sms.recipientNumber = try json.text("number") ?? "" }
        try json.object("sender") { (json) throws(Status) in sms.senderNumbers = try json.texts("numbers") }
    }

    private mutating func readExecution(_ json: inout JSONReader) throws(Status) {
        try json.read(executionMembers, into: &execution)
        try json.object("audience") { (json) throws(Status) in try json.read(audienceMembers, into: &execution.audience) }
        try json.object("parentSourceMeta") { (json) throws(Status) in
            try json.read(sourceMembers, into: &execution.parentSource)
        }
        execution.fragmentPublicationIDs = try json.texts("fragmentPublicationIDs")
        try json.object("metadata") { (json) throws(Status) in
            for key in json.names { execution.metadata[key] = try json.text(key) }
        }
    }

    private mutating func readProfile(_ json: inout JSONReader) throws(Status) {
        try json.read(profileMembers, into: &profile)
        profile.isSendTimeOptimized = try json.flag("isSendTimeOptimized")
        profile.isTestExecution = try json.flag("isTestExecution")
        try json.object("channel") { (json) throws(Status) in
            // The content tells them.
            _ = (try json.text("_id"), try json.text("_type"))
            try json.read(channelMembers, into: &profile.channel)
            profile.channel.contentTypes = try json.texts("contentTypes")
            profile.channel.locationTypes = try json.texts("locationTypes")
            profile.channel.metricTypes = try json.texts("metricTypes")
        }
    }
}

/// What the group of ours says of the message itself.
private struct Export {
    /// Name of the configuration it was sent with.
    let configuration: String?
    let deliveryState: DeliveryState?
    let isTest: Bool?
    let to: [Address]
    let cc: [Address]
    let bcc: [Address]
    let replyTo: [Address]
    let headers: [Header]
    let attachments: [Attachment]
    let raw: [UInt8]

    /// Whether it holds anything that only an email has.
    var isOfEmail: Bool {
        !(to.isEmpty && cc.isEmpty && bcc.isEmpty && replyTo.isEmpty && headers.isEmpty && attachments.isEmpty && raw.isEmpty)
    }

    init(_ json: inout JSONReader) throws(Status) {
        // What the daemon decides anew, and what the content tells.
        _ = (try json.number("sequence"), try json.text("ingestedAt"), try json.text("expiresAt"), try json.text("sandbox"))
        _ = try json.text("contentSHA256")
        isTest = try json.flag("test")
        configuration =
            try json.object("configuration") { (json) throws(Status) in
                _ = (try json.text("id"), try json.number("version"))
                return try json.text("name")
            } ?? nil
        let state = try json.text("deliveryState")
        deliveryState = state.flatMap { DeliveryState(rawValue: $0) }
        guard state == nil || deliveryState != nil else {
            throw json.wrong("deliveryState", DeliveryState.allCases.map(\.rawValue).joined(separator: ", "))
        }
        to = try Export.addresses("to", &json)
        cc = try Export.addresses("cc", &json)
        bcc = try Export.addresses("bcc", &json)
        replyTo = try Export.addresses("replyTo", &json)
        headers = try json.objects("headers") { (json) throws(Status) in
            Header(name: try json.text("name") ?? "", value: try json.text("value") ?? "")
        }
        attachments = try json.objects("attachments") { (json) throws(Status) in try Export.attachment(&json) }
        raw = try json.base64("raw") ?? []
    }

    private static func addresses(_ name: String, _ json: inout JSONReader) throws(Status) -> [Address] {
        try json.objects(name) { (json) throws(Status) in
            Address(email: try json.text("email") ?? "", name: try json.text("name"))
        }
    }

    private static func attachment(_ json: inout JSONReader) throws(Status) -> Attachment {
        let (name, type) = (try json.text("name"), try json.text("type") ?? "")
        let (size, digits) = (try json.number("size"), try json.text("sha256"))
        let sha256 = digits.flatMap { bytes(hexadecimal: $0) }
        if let content = try json.base64("content") {
            let attachment = Attachment(name: name, type: type, content: content)
            guard digits == nil || sha256 == attachment.sha256 else {
                throw Status(.invalidArgument, "it is not the SHA-256 of the content", field: json.place("sha256"))
            }
            return attachment
        }
        guard let size, let sha256, sha256.count == 32 else {
            throw json.wrong("sha256", "content in base64, or its size and SHA-256 of 64 hexadecimal digits,")
        }
        return Attachment(name: name, type: type, body: .digest(size: size, sha256: sha256))
    }
}

extension JSONReader {
    fileprivate mutating func base64(_ name: String) throws(Status) -> [UInt8]? {
        guard let text = try text(name) else { return nil }
        guard let data = Data(base64Encoded: text) else { throw wrong(name, "base64") }
        return Array(data)
    }
}

extension Instant {
    /// A time as ISO 8601 writes it, such as `2026-11-23T09:30:00Z`, with or without a fraction; nil when it is none.
    package init?(_ text: String) {
        for style in [Date.ISO8601FormatStyle(), Date.ISO8601FormatStyle(includingFractionalSeconds: true)] {
            guard let date = try? style.parse(text), Instant.isDay(text.prefix(10)) else { continue }
            self.init(milliseconds: Int64((date.timeIntervalSince1970 * 1000).rounded()))
            return
        }
        return nil
    }

    /// Whether there is such a day: Foundation takes 30 February for 2 March.
    private static func isDay(_ text: Substring) -> Bool {
        guard let midnight = try? Date.ISO8601FormatStyle().parse("\(text)T00:00:00Z") else { return false }
        return "\(Day(containing: Instant(milliseconds: Int64(midnight.timeIntervalSince1970) * 1000)))" == text
    }
}
