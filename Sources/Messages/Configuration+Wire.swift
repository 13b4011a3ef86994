import CMessages
package import Model

/// What `CreateConfiguration` asks. Its fields are those of the `.proto`.
package struct CreateConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var channel: Channel
    package var settings: ConfigurationChange
    package var submit: Bool

    package init(sandbox: String, name: String, channel: Channel, settings: ConfigurationChange, submit: Bool) {
        self.sandbox = sandbox
        self.name = name
        self.channel = channel
        self.settings = settings
        self.submit = submit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_configuration_request__unpack) { (wire) throws(Status) in
            CreateConfigurationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                channel: try known(wire.channel, "channel", \.wire), settings: try ConfigurationChange(wire.settings),
                submit: wire.submit != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.channel = channel.wire
            wire.settings = draft.settings(settings)
            wire.submit = submit ? 1 : 0
        }
    }
}

/// What `EditConfiguration` asks. Its fields are those of the `.proto`.
package struct EditConfigurationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var settings: ConfigurationChange
    package var submit: Bool
    /// Nil: whatever it is.
    package var ifVersion: UInt32?

    package init(sandbox: String, name: String, settings: ConfigurationChange, submit: Bool, ifVersion: UInt32?) {
        self.sandbox = sandbox
        self.name = name
        self.settings = settings
        self.submit = submit
        self.ifVersion = ifVersion
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_configuration_request__unpack) { (wire) throws(Status) in
            EditConfigurationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: try ConfigurationChange(wire.settings), submit: wire.submit != 0,
                ifVersion: wire.if_version == 0 ? nil : wire.if_version)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_configuration_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.settings = draft.settings(settings)
            wire.submit = submit ? 1 : 0
            wire.if_version = ifVersion ?? 0
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
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"), channel: try known(wire.channel, "channel", \.wire),
            state: try known(wire.state, "state", \.wire), version: wire.version,
            settings: try ConfigurationSettings(wire.settings),
            failures: try texts(wire.n_failures, wire.failures, "failures"), pending: try Pending(wire.pending),
            enabledSince: Instant(wire: wire.enabled_since_ms), createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension ChannelConfiguration.Pending {
    fileprivate init?(_ wire: UnsafeMutablePointer<Messageexport__V1__PendingConfiguration>?) throws(Status) {
        guard let wire = wire?.pointee else { return nil }
        self.init(
            version: wire.version, settings: try ConfigurationSettings(wire.settings),
            failures: try texts(wire.n_failures, wire.failures, "pending.failures"))
    }
}

extension ConfigurationSettings {
    fileprivate init(_ wire: UnsafeMutablePointer<Messageexport__V1__ConfigurationSettings>?) throws(Status) {
        self = try ConfigurationChange(wire).applied(to: ConfigurationSettings())
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Configuration, _ configuration: ChannelConfiguration) {
        wire.id = text(configuration.id)
        wire.name = text(configuration.name)
        wire.channel = configuration.channel.wire
        wire.state = configuration.state.wire
        wire.version = configuration.version
        wire.settings = settings(ConfigurationChange(configuration.settings))
        (wire.n_failures, wire.failures) = texts(configuration.failures)
        if let pending = configuration.pending {
            wire.pending = make(messageexport__v1__pending_configuration__init) { draft, wire in
                wire.version = pending.version
                wire.settings = draft.settings(ConfigurationChange(pending.settings))
                (wire.n_failures, wire.failures) = draft.texts(pending.failures)
            }
        }
        wire.enabled_since_ms = configuration.enabledSince?.milliseconds ?? 0
        wire.created_at_ms = configuration.createdAt.milliseconds
    }
}
