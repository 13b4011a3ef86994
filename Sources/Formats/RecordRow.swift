import Crypto
package import Model

/// The exported row of a record: the documented XDM shape, and the group `messageExport` of ours. Absent fields are left out.
package struct RecordRow: Sendable {
    private let record: Record

    package init(_ record: Record) {
        self.record = record
    }

    /// Writes the row as one JSON object.
    package func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("_id", record.message.id.value)
            json.member("timestamp", record.sentAt.description)
            json.member("eventType", "message.sent")
            json.member("producedBy", "message-export")
            writeIdentities(&json)
            json.object("_experience") { json in
                json.object("customerJourneyManagement") { json in
                    json.object("messageDeliveryMetadata", writeDelivery)
                    json.object("messageProfile") { json in
                        json.object("channel") { json in
                            json.member("_id", "https://ns.adobe.com/xdm/channels/\(channel)")
                            json.member("_type", "https://ns.adobe.com/xdm/channel-types/\(channel)")
                        }
                    }
                    json.object("messageRenderedContent", writeContent)
                }
            }
            json.object("messageExport", writeExport)
        }
    }

    private var channel: String { record.message.content.channel.rawValue }

    private func writeIdentities(_ json: inout JSONWriter) {
        let (namespace, id): (String, String?) =
            switch record.message.content {
            case .email(let email): ("email", email.to.first?.email)
            case .sms(let sms): ("phone", sms.recipientNumber)
            }
        guard let id else { return }
        json.object("identityMap") { json in
            json.array(namespace) { json in
                json.object { json in
                    json.member("authenticatedState", "ambiguous")
                    json.member("id", id)
                    json.member("primary", true)
                }
            }
        }
    }

    private func writeDelivery(_ json: inout JSONWriter) {
        switch record.message.content {
        case .email(let email):
            json.object("emailMetadata") { json in
                json.object("recipient") { json in
                    if !email.bcc.isEmpty { json.strings("bcc", email.bcc.map(\.email)) }
                    if !email.cc.isEmpty { json.strings("cc", email.cc.map(\.email)) }
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
            json.object("smsContent") { $0.member("message", sms.text) }
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
                    json.member("size", attachment.content.count)
                    json.member("sha256", hexadecimal(SHA256.hash(data: attachment.content)))
                }
            }
        }
    }
}

extension JSONWriter {
    fileprivate mutating func strings(_ name: String, _ values: [String]) {
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

/// Two lowercase digits a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}
