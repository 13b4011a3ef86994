import Crypto
package import Model

/// The exported row of a record: the documented XDM shape, and the group `messageExport` of ours. Absent fields are left out.
///
/// A class, as every column looks at it: a record has many texts, and copying it would count references to each.
package final class RecordRow: Sendable {
    // What many columns look at lies here, where each gets at its own text alone.
    let execution: Execution
    let profile: Profile
    private let record: Record
    private let email: Email?
    private let sms: Sms?
    private let includesRaw: Bool

    /// - Parameter includingRaw: whether the row holds the attachments' bytes and the mail as sent.
    package init(_ record: Record, includingRaw: Bool = false) {
        self.record = record
        execution = record.message.execution
        profile = record.message.profile
        switch record.message.content {
        case .email(let email): (self.email, sms) = (email, nil)
        case .sms(let sms): (email, self.sms) = (nil, sms)
        }
        includesRaw = includingRaw
    }

    /// What a row is made of, for every format. Part of the product's promise: a test compares it with what was released.
    package static let fields: [Field<RecordRow>] = [
        Field(1, "_id", .text) { $0.record.message.id.value },
        Field(2, "timestamp", .instant) { $0.record.sentAt },
        Field(3, "eventType", .text) { $0.record.message.eventType ?? Message.defaultEventType },
        Field(4, "producedBy", .text) { $0.record.message.producedBy ?? Message.defaultProducer },
        Field(5, "identityMap", .map(of: .list(of: .group(identityFields)))) { $0.identities },
        Field(
            6, "_experience",
            group: [
                Field(
                    7, "customerJourneyManagement",
                    group: [
                        Field(8, "messageDeliveryMetadata", group: deliveryFields),
                        Field(9, "messageExecution", group: executionFields) { $0.execution != noExecution },
                        Field(10, "messageProfile", group: messageProfileFields),
                        Field(11, "messageRenderedContent", group: contentFields),
                    ])
            ]),
        Field(12, "messageExport", group: exportFields),
    ]

    /// Writes the row as one JSON object.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            for field in Self.fields { field.json(self, &json) }
        }
    }

    private var identities: [(key: String, value: [Identity])]? {
        var identities = record.message.identities
        if identities.isEmpty, let recipient = record.message.recipientIdentity { identities = [recipient] }
        guard !identities.isEmpty else { return nil }
        return Dictionary(grouping: identities, by: \.namespace).sorted { $0.key < $1.key }
    }

    private static let noExecution = Execution()

    // MARK: What is there

    private static let identityFields: [Field<Identity>] = [
        Field(13, "authenticatedState", .text) { $0.authenticatedState },
        Field(14, "id", .text) { $0.id },
        Field(15, "primary", .flag) { $0.isPrimary },
    ]

    private static let deliveryFields: [Field<RecordRow>] = [
        Field(
            16, "emailMetadata",
            group: [
                Field(
                    17, "recipient",
                    group: [
                        Field(18, "bcc", .list(of: .text)) { present($0.email?.bcc.map(\.email)) },
                        Field(19, "cc", .list(of: .text)) { present($0.email?.cc.map(\.email)) },
                        Field(20, "email", .text) { $0.email?.to.first?.email },
                        Field(21, "name", .text) { $0.email?.to.first?.name },
                    ]),
                Field(
                    22, "sender",
                    group: [
                        Field(23, "email", .text) { $0.email?.from?.email },
                        Field(24, "errorEmail", .text) { $0.email?.errorAddress },
                        Field(25, "name", .text) { $0.email?.from?.name },
                        Field(26, "replyToEmail", .text) { $0.email?.replyTo.first?.email },
                        Field(27, "replyToName", .text) { $0.email?.replyTo.first?.name },
                    ]),
            ]
        ) { $0.email != nil },
        Field(
            28, "smsMetadata",
            group: [
                Field(80, "recipient", group: [Field(81, "number", .text) { $0.sms?.recipientNumber }]),
                Field(82, "sender", group: [Field(83, "numbers", .list(of: .text)) { present($0.sms?.senderNumbers) }]),
            ]
        ) { $0.sms != nil },
    ]

    private static let executionFields: [Field<RecordRow>] =
        [
            Field(70, "audience", group: audienceMembers.map(\.field)) {
                $0.execution.audience != noExecution.audience
            },
            Field(71, "fragmentPublicationIDs", .list(of: .text)) { present($0.execution.fragmentPublicationIDs) },
            Field(72, "metadata", .map(of: .text)) { present($0.execution.metadata.sorted { $0.key < $1.key }) },
            Field(73, "parentSourceMeta", group: sourceMembers.map(\.field)) {
                $0.execution.parentSource != noExecution.parentSource
            },
        ] + executionMembers.map(\.field)

    private static let messageProfileFields: [Field<RecordRow>] =
        [
            Field(74, "channel", group: channelFields),
            Field(75, "isSendTimeOptimized", .flag) { $0.profile.isSendTimeOptimized },
            Field(76, "isTestExecution", .flag) { $0.profile.isTestExecution },
        ] + profileMembers.map(\.field)

    private static let channelFields: [Field<RecordRow>] =
        [
            Field(84, "contentTypes", .list(of: .text)) { present($0.profile.channel.contentTypes) },
            Field(85, "locationTypes", .list(of: .text)) { present($0.profile.channel.locationTypes) },
            Field(86, "metricTypes", .list(of: .text)) { present($0.profile.channel.metricTypes) },
            Field(87, "_id", .text) { "https://ns.adobe.com/xdm/channels/\($0.channel.rawValue)" },
            Field(88, "_type", .text) { "https://ns.adobe.com/xdm/channel-types/\($0.channel.rawValue)" },
        ] + channelMembers.map(\.field)

    private var channel: Channel { email == nil ? .sms : .email }

    private static let contentFields: [Field<RecordRow>] = [
        Field(
            89, "emailContent",
            group: [
                Field(90, "html", .text) { $0.email?.html },
                Field(91, "subject", .text) { $0.email?.subject },
                Field(92, "text", .text) { $0.email?.text },
            ]
        ) { $0.email != nil },
        Field(
            93, "smsContent",
            group: [
                Field(94, "media", .text) { $0.sms?.media },
                Field(95, "message", .text) { $0.sms?.text },
                Field(96, "title", .text) { $0.sms?.title },
            ]
        ) { $0.sms != nil },
    ]

    private static let exportFields: [Field<RecordRow>] = [
        Field(100, "sequence", .number) { $0.record.sequence },
        Field(101, "ingestedAt", .instant) { $0.record.ingestedAt },
        Field(102, "expiresAt", .instant) { $0.record.expiresAt },
        Field(103, "sandbox", .text) { $0.record.sandbox },
        Field(
            104, "configuration",
            group: [
                Field(105, "id", .text) { $0.record.configurationID },
                Field(106, "name", .text) { $0.record.message.configuration },
                Field(107, "version", .number) { UInt64($0.record.configurationVersion) },
            ]),
        Field(108, "deliveryState", .text) { $0.record.message.deliveryState?.rawValue },
        Field(109, "test", .flag) { $0.profile.isTestExecution ?? false },
        Field(110, "contentSHA256", .text) { hexadecimal($0.record.contentSHA256) },
        // XDM has room for one address each; here are all of them, with their names.
        Field(111, "to", addresses(120)) { present($0.email?.to) },
        Field(112, "cc", addresses(122)) { present($0.email?.cc) },
        Field(113, "bcc", addresses(124)) { present($0.email?.bcc) },
        Field(114, "replyTo", addresses(126)) { present($0.email?.replyTo) },
        Field(
            115, "headers",
            .list(of: .group([Field(128, "name", .text) { $0.name }, Field(129, "value", .text) { $0.value }]))
        ) { $0.email?.headers },
        Field(116, "attachments", .list(of: .group(attachmentFields))) { row in
            row.email?.attachments.map { AttachmentRow(attachment: $0, includesContent: row.includesRaw) }
        },
        Field(117, "raw", .bytes) { $0.includesRaw ? present($0.email?.raw) : nil },
    ]

    /// An attachment, and whether its bytes are exported.
    private struct AttachmentRow {
        let attachment: Attachment
        let includesContent: Bool
    }

    private static let attachmentFields: [Field<AttachmentRow>] = [
        Field(130, "name", .text) { $0.attachment.name },
        Field(131, "type", .text) { $0.attachment.type },
        Field(132, "size", .number) { $0.attachment.size },
        Field(133, "sha256", .text) { hexadecimal($0.attachment.sha256) },
        Field(134, "content", .bytes) { $0.includesContent ? $0.attachment.content : nil },
    ]

    private static func addresses(_ id: Int32) -> Shape<[Address]> {
        .list(of: .group([Field(id, "email", .text) { $0.email }, Field(id + 1, "name", .text) { $0.name }]))
    }

    /// An empty list is left out.
    private static func present<Element>(_ values: [Element]?) -> [Element]? {
        values?.isEmpty == true ? nil : values
    }
}

extension Attachment {
    /// SHA-256 of its bytes, whether they are here or not.
    package var sha256: [UInt8] {
        switch body {
        case .bytes(let bytes): Array(SHA256.hash(data: bytes))
        case .digest(_, let sha256): sha256
        }
    }
}
