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

/// What `EditConfiguration` asks. Its fields are those of the `.proto`.
package struct EditConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    /// Nil: as it is.
    package var messageExport: Bool?
    package var submit: Bool

    package init(sandbox: String, name: String, messageExport: Bool?, submit: Bool) {
        self.sandbox = sandbox
        self.name = name
        self.messageExport = messageExport
        self.submit = submit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_configuration_request__unpack) { (wire) throws(Status) in
            let isGiven =
                wire.message_export_presence_case
                == MESSAGEEXPORT__V1__EDIT_CONFIGURATION_REQUEST__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
            return EditConfigurationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                messageExport: isGiven ? wire.message_export != 0 : nil, submit: wire.submit != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            if let messageExport {
                wire.message_export_presence_case =
                    MESSAGEEXPORT__V1__EDIT_CONFIGURATION_REQUEST__MESSAGE_EXPORT_PRESENCE_MESSAGE_EXPORT
                wire.message_export = messageExport ? 1 : 0
            }
            wire.submit = submit ? 1 : 0
        }
    }
}

/// What `DuplicateConfiguration` asks. Its fields are those of the `.proto`.
package struct DuplicateConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var newName: String

    package init(sandbox: String, name: String, newName: String) {
        self.sandbox = sandbox
        self.name = name
        self.newName = newName
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__duplicate_configuration_request__unpack) { (wire) throws(Status) in
            DuplicateConfigurationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                newName: try wire.new_name.text("new_name"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__duplicate_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.new_name = draft.text(newName)
        }
    }
}

/// What `ListConfigurations` answers. Its fields are those of the `.proto`.
package struct ConfigurationList: Hashable, WireMessage {
    package var configurations: [ChannelConfiguration]

    package init(configurations: [ChannelConfiguration]) {
        self.configurations = configurations
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__configuration_list__unpack) { (wire) throws(Status) in
            ConfigurationList(
                configurations: try map(wire.n_configurations, wire.configurations) { (_, configuration) throws(Status) in
                    try ChannelConfiguration(configuration)
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__configuration_list__init) { draft, wire in
            (wire.n_configurations, wire.configurations) = draft.list(configurations, messageexport__v1__configuration__init) {
                draft, wire, configuration in draft.fill(&wire, configuration)
            }
        }
    }
}

extension ChannelConfiguration: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__configuration__unpack) { (wire) throws(Status) in
            try ChannelConfiguration(wire)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__configuration__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Configuration) throws(Status) {
        let isPending =
            wire.pending_message_export_presence_case
            == MESSAGEEXPORT__V1__CONFIGURATION__PENDING_MESSAGE_EXPORT_PRESENCE_PENDING_MESSAGE_EXPORT
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"), channel: try known(wire.channel, "channel", \.wire),
            state: try known(wire.state, "state", \.wire), version: wire.version, messageExport: wire.message_export != 0,
            pendingMessageExport: isPending ? wire.pending_message_export != 0 : nil,
            createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Configuration, _ configuration: ChannelConfiguration) {
        wire.id = text(configuration.id)
        wire.name = text(configuration.name)
        wire.channel = configuration.channel.wire
        wire.state = configuration.state.wire
        wire.version = configuration.version
        wire.message_export = configuration.messageExport ? 1 : 0
        if let pending = configuration.pendingMessageExport {
            wire.pending_message_export_presence_case =
                MESSAGEEXPORT__V1__CONFIGURATION__PENDING_MESSAGE_EXPORT_PRESENCE_PENDING_MESSAGE_EXPORT
            wire.pending_message_export = pending ? 1 : 0
        }
        wire.created_at_ms = configuration.createdAt.milliseconds
    }
}
