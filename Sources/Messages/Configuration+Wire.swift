import CMessages
package import Model

/// What `CreateConfiguration` asks. Its fields are those of the `.proto`.
package struct CreateConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var channel: Channel
    package var messageExport: Bool
    package var submit: Bool

    package init(sandbox: String, name: String, channel: Channel, messageExport: Bool, submit: Bool) {
        self.sandbox = sandbox
        self.name = name
        self.channel = channel
        self.messageExport = messageExport
        self.submit = submit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_configuration_request__unpack) { (wire) throws(Status) in
            CreateConfigurationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                channel: try known(wire.channel, "channel", \.wire), messageExport: wire.message_export != 0,
                submit: wire.submit != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.channel = channel.wire
            wire.message_export = messageExport ? 1 : 0
            wire.submit = submit ? 1 : 0
        }
    }
}

/// What `SubmitConfiguration` asks. Its fields are those of the `.proto`.
package struct SubmitConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String

    package init(sandbox: String, name: String) {
        self.sandbox = sandbox
        self.name = name
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__submit_configuration_request__unpack) { (wire) throws(Status) in
            SubmitConfigurationRequest(sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__submit_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
        }
    }
}

extension ChannelConfiguration: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__configuration__unpack) { (wire) throws(Status) in
            ChannelConfiguration(
                id: try wire.id.text("id"), name: try wire.name.text("name"), channel: try known(wire.channel, "channel", \.wire),
                state: try known(wire.state, "state", \.wire), version: wire.version, messageExport: wire.message_export != 0,
                createdAt: Instant(milliseconds: wire.created_at_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__configuration__init) { draft, wire in
            wire.id = draft.text(id)
            wire.name = draft.text(name)
            wire.channel = channel.wire
            wire.state = state.wire
            wire.version = version
            wire.message_export = messageExport ? 1 : 0
            wire.created_at_ms = createdAt.milliseconds
        }
    }
}
