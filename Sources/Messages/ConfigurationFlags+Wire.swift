import CMessages
package import Model

/// What `WatchConfigurations` answers. Its fields are those of the `.proto`.
package struct ConfigurationFlags: Hashable, WireMessage {
    /// What is told of a configuration.
    package struct Flag: Hashable, Sendable {
        /// Of the configuration.
        package var name: String
        /// Whether it is active and its flag is off.
        package var isDisabled: Bool

        package init(name: String, isDisabled: Bool) {
            self.name = name
            self.isDisabled = isDisabled
        }
    }

    package var generation: UInt64
    /// Nil: those of the same generation still hold.
    package var flags: [Flag]?
    /// By the boot clock, in milliseconds.
    package var leaseUntil: Int64

    package init(generation: UInt64, flags: [Flag]?, leaseUntil: Int64) {
        self.generation = generation
        self.flags = flags
        self.leaseUntil = leaseUntil
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__configuration_flags__unpack) { (wire) throws(Status) in
            let flags = try map(wire.n_configurations, wire.configurations) { (_, flag) throws(Status) in
                Flag(name: try flag.name.text("name"), isDisabled: flag.is_disabled != 0)
            }
            return ConfigurationFlags(
                generation: wire.generation, flags: wire.is_whole != 0 ? flags : nil, leaseUntil: wire.lease_until_boot_ms)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__configuration_flags__init) { draft, wire in
            wire.generation = generation
            wire.is_whole = flags == nil ? 0 : 1
            (wire.n_configurations, wire.configurations) = draft.list(
                flags ?? [], messageexport__v1__configuration_flag__init
            ) { draft, wire, flag in
                wire.name = draft.text(flag.name)
                wire.is_disabled = flag.isDisabled ? 1 : 0
            }
            wire.lease_until_boot_ms = leaseUntil
        }
    }
}
