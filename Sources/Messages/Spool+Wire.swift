import CMessages
package import Model

/// The key of the daemon that messages are sealed to which wait in a spool. Its fields are those of the `.proto`.
package struct SpoolKey: Hashable, WireMessage {
    package var publicKey: [UInt8]
    package var sandbox: String
    package var user: UInt32
    package var renewAt: Instant
    package var keptUntil: Instant

    package init(publicKey: [UInt8], sandbox: String, user: UInt32, renewAt: Instant, keptUntil: Instant) {
        self.publicKey = publicKey
        self.sandbox = sandbox
        self.user = user
        self.renewAt = renewAt
        self.keptUntil = keptUntil
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__spool_key__unpack) { (wire) throws(Status) in
            SpoolKey(
                publicKey: wire.public_key.array, sandbox: try wire.sandbox.text("sandbox"), user: wire.user,
                renewAt: Instant(milliseconds: wire.renew_at_ms), keptUntil: Instant(milliseconds: wire.kept_until_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__spool_key__init) { draft, wire in
            wire.public_key = draft.bytes(publicKey)
            wire.sandbox = draft.text(sandbox)
            wire.user = user
            wire.renew_at_ms = renewAt.milliseconds
            wire.kept_until_ms = keptUntil.milliseconds
        }
    }
}

/// A message that waits in a spool, before it is sealed. Its fields are those of the `.proto`.
package struct SpooledMessage: Hashable, WireMessage {
    package var sandbox: String
    package var user: UInt32
    package var spooledAt: Instant
    /// A packed `Message`.
    package var message: [UInt8]

    package init(sandbox: String, user: UInt32, spooledAt: Instant, message: [UInt8]) {
        self.sandbox = sandbox
        self.user = user
        self.spooledAt = spooledAt
        self.message = message
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__spooled_message__unpack) { (wire) throws(Status) in
            SpooledMessage(
                sandbox: try wire.sandbox.text("sandbox"), user: wire.user,
                spooledAt: Instant(milliseconds: wire.spooled_at_ms), message: wire.message.array)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__spooled_message__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.user = user
            wire.spooled_at_ms = spooledAt.milliseconds
            wire.message = draft.bytes(message)
        }
    }
}
