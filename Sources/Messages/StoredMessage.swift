import CMessages
package import Model

/// A message as the dataset keeps it, with what was in force at its ingestion. Its fields are those of the `.proto`.
package struct StoredMessage: Hashable, WireMessage {
    /// A packed `Message`.
    package var message: [UInt8]
    package var configurationID: String
    package var configurationVersion: UInt32
    package var sentAt: Instant

    package init(message: [UInt8], configurationID: String, configurationVersion: UInt32, sentAt: Instant) {
        self.message = message
        self.configurationID = configurationID
        self.configurationVersion = configurationVersion
        self.sentAt = sentAt
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__stored_message__unpack) { (wire) throws(Status) in
            StoredMessage(
                message: wire.message.array, configurationID: try wire.configuration_id.text("configuration_id"),
                configurationVersion: wire.configuration_version, sentAt: Instant(milliseconds: wire.sent_at_ms))
        }
    }

    /// The packed bytes in pieces that follow one another, of which the message is one: it is not copied.
    package var pieces: [[UInt8]] {
        var rest = self
        rest.message = []
        return message.isEmpty ? [rest.packed] : [lengthDelimited(field: 1, count: message.count), message, rest.packed]
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__stored_message__init) { draft, wire in
            wire.message = draft.bytes(message)
            wire.configuration_id = draft.text(configurationID)
            wire.configuration_version = configurationVersion
            wire.sent_at_ms = sentAt.milliseconds
        }
    }
}
