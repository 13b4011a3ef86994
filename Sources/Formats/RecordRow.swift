import Crypto
import Foundation
package import Model

/// The exported row of a record: the documented XDM shape, and the group `messageExport` of ours. Absent fields are left out.
package struct RecordRow: Sendable {
    private let record: Record
    private let includesRaw: Bool

    /// - Parameter includingRaw: whether the row holds the attachments' bytes and the mail as sent, in base64.
    package init(_ record: Record, includingRaw: Bool = false) {
        self.record = record
        includesRaw = includingRaw
    }

    /// Writes the row as one JSON object.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("_id", record.message.id.value)
            json.member("timestamp", record.sentAt.description)
            json.member("eventType", record.message.eventType ?? Message.defaultEventType)
            json.member("producedBy", record.message.producedBy ?? Message.defaultProducer)
            writeIdentities(&json)
            json.object("_experience") { json in
                json.object("customerJourneyManagement") { json in
                    json.object("messageDeliveryMetadata", writeDelivery)
                    if record.message.execution != Execution() { json.object("messageExecution", writeExecution) }
                    json.object("messageProfile", writeProfile)
                    json.object("messageRenderedContent", writeContent)
                }
            }
            json.object("messageExport", writeExport)
        }
    }

    private var channel: String { record.message.content.channel.rawValue }

    private func writeIdentities(_ json: inout JSONWriter) {
        var identities = record.message.identities
        if identities.isEmpty, let recipient = record.message.recipientIdentity { identities = [recipient] }
        guard !identities.isEmpty else { return }
        json.object("identityMap") { json in
            for (namespace, identities) in Dictionary(grouping: identities, by: \.namespace).sorted(by: { $0.key < $1.key }) {
                json.array(namespace) { json in
                    for identity in identities {
                        json.object { json in
                            json.member("authenticatedState", identity.authenticatedState)
                            json.member("id", identity.id)
                            json.member("primary", identity.isPrimary)
                        }
                    }
                }
            }
        }
    }

    private func writeExecution(_ json: inout JSONWriter) {
        let execution = record.message.execution
        if execution.audience != .init() {
            json.object("audience") { $0.members(audienceMembers, of: execution.audience) }
        }
        json.strings("fragmentPublicationIDs", execution.fragmentPublicationIDs)
        if !execution.metadata.isEmpty {
            json.object("metadata") { json in
                for (key, value) in execution.metadata.sorted(by: { $0.key < $1.key }) { json.member(key, value) }
            }
        }
        if execution.parentSource != .init() {
            json.object("parentSourceMeta") { $0.members(sourceMembers, of: execution.parentSource) }
        }
        json.members(executionMembers, of: execution)
    }

    private func writeProfile(_ json: inout JSONWriter) {
        let profile = record.message.profile
        json.object("channel") { json in
            json.strings("contentTypes", profile.channel.contentTypes)
            json.strings("locationTypes", profile.channel.locationTypes)
            json.strings("metricTypes", profile.channel.metricTypes)
            json.member("_id", "https://ns.adobe.com/xdm/channels/\(channel)")
            json.member("_type", "https://ns.adobe.com/xdm/channel-types/\(channel)")
            json.members(channelMembers, of: profile.channel)
        }
        json.member("isSendTimeOptimized", profile.isSendTimeOptimized)
        json.member("isTestExecution", profile.isTestExecution)
        json.members(profileMembers, of: profile)
    }

    private func writeDelivery(_ json: inout JSONWriter) {
        switch record.message.content {
        case .email(let email):
            json.object("emailMetadata") { json in
                json.object("recipient") { json in
                    json.strings("bcc", email.bcc.map(\.email))
                    json.strings("cc", email.cc.map(\.email))
                    json.member("email", email.to.first?.email)
                    json.member("name", email.to.first?.name)
                }
                json.object("sender") { json in
                    json.member("email", email.from?.email)
                    json.member("errorEmail", email.errorAddress)
                    json.member("name", email.from?.name)
                    json.member("replyToEmail", email.replyTo.first?.email)
                    json.member("replyToName", email.replyTo.first?.name)
                }
            }
        case .sms(let sms):
            json.object("smsMetadata") { json in
                json.object("recipient") { $0.member("number", sms.recipientNumber) }
                json.object("sender") { $0.strings("numbers", sms.senderNumbers) }
            }
        }
    }

    private func writeContent(_ json: inout JSONWriter) {
        switch record.message.content {
        case .email(let email):
            json.object("emailContent") { json in
                json.member("html", email.html)
                json.member("subject", email.subject)
                json.member("text", email.text)
            }
        case .sms(let sms):
            json.object("smsContent") { json in
                json.member("media", sms.media)
                json.member("message", sms.text)
                json.member("title", sms.title)
            }
        }
    }

    private func writeExport(_ json: inout JSONWriter) {
        json.member("sequence", record.sequence)
        json.member("ingestedAt", record.ingestedAt.description)
        json.member("expiresAt", record.expiresAt.description)
        json.member("sandbox", record.sandbox)
        json.object("configuration") { json in
            json.member("id", record.configurationID)
            json.member("name", record.message.configuration)
            json.member("version", record.configurationVersion)
        }
        json.member("deliveryState", record.message.deliveryState?.rawValue)
        json.member("test", record.message.profile.isTestExecution ?? false)
        json.member("contentSHA256", hexadecimal(record.contentSHA256))
        guard case .email(let email) = record.message.content else { return }
        // XDM has room for one address each; here are all of them, with their names.
        json.addresses("to", email.to)
        json.addresses("cc", email.cc)
        json.addresses("bcc", email.bcc)
        json.addresses("replyTo", email.replyTo)
        json.array("headers") { json in
            for header in email.headers {
                json.object { json in
                    json.member("name", header.name)
                    json.member("value", header.value)
                }
            }
        }
        json.array("attachments") { json in
            for attachment in email.attachments {
                json.object { json in
                    json.member("name", attachment.name)
                    json.member("type", attachment.type)
                    json.member("size", attachment.size)
                    json.member("sha256", hexadecimal(attachment.sha256))
                    if includesRaw, let bytes = attachment.content { json.member("content", base64: bytes) }
                }
            }
        }
        if includesRaw, !email.raw.isEmpty { json.member("raw", base64: email.raw) }
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

extension JSONWriter {
    fileprivate mutating func member(_ name: String, base64 bytes: [UInt8]) {
        member(name, Data(bytes).base64EncodedString())
    }

    /// Left out when there is none.
    fileprivate mutating func strings(_ name: String, _ values: [String]) {
        guard !values.isEmpty else { return }
        array(name) { json in
            for value in values { json.value(value) }
        }
    }

    /// Left out when there is none.
    fileprivate mutating func addresses(_ name: String, _ addresses: [Address]) {
        guard !addresses.isEmpty else { return }
        array(name) { json in
            for address in addresses {
                json.object { json in
                    json.member("email", address.email)
                    json.member("name", address.name)
                }
            }
        }
    }
}
