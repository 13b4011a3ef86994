import CMessages
import CProtobufC
package import Model

/// What `CreateDestination` asks. Its fields are those of the `.proto`.
package struct CreateDestinationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var settings: Destination.Settings
    package var secrets: [String: Secret]
    package var skipTest: Bool

    package init(
        sandbox: String, name: String, settings: Destination.Settings, secrets: [String: Secret] = [:], skipTest: Bool = false
    ) {
        self.sandbox = sandbox
        self.name = name
        self.settings = settings
        self.secrets = secrets
        self.skipTest = skipTest
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_destination_request__unpack) { (wire) throws(Status) in
            CreateDestinationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: Destination.Settings(
                    type: try DestinationType(wire.type), values: try settingsByName(wire.n_settings, wire.settings, "settings")),
                secrets: try settingsByName(wire.n_secrets, wire.secrets, "secrets").mapValues(Secret.init),
                skipTest: wire.skip_test != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_destination_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.type = draft.text(settings.type.rawValue)
            (wire.n_settings, wire.settings) = draft.destinationSettings(settings.values)
            (wire.n_secrets, wire.secrets) = draft.destinationSettings(secrets.mapValues(\.text))
            wire.skip_test = skipTest ? 1 : 0
        }
    }
}

/// What `EditDestination` asks. Its fields are those of the `.proto`; an empty value takes a setting away.
package struct EditDestinationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var settings: [String: String]
    package var secrets: [String: Secret]
    package var skipTest: Bool

    package init(
        sandbox: String, name: String, settings: [String: String], secrets: [String: Secret] = [:], skipTest: Bool = false
    ) {
        self.sandbox = sandbox
        self.name = name
        self.settings = settings
        self.secrets = secrets
        self.skipTest = skipTest
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_destination_request__unpack) { (wire) throws(Status) in
            EditDestinationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: try settingsByName(wire.n_settings, wire.settings, "settings"),
                secrets: try settingsByName(wire.n_secrets, wire.secrets, "secrets").mapValues(Secret.init),
                skipTest: wire.skip_test != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_destination_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            (wire.n_settings, wire.settings) = draft.destinationSettings(settings)
            (wire.n_secrets, wire.secrets) = draft.destinationSettings(secrets.mapValues(\.text))
            wire.skip_test = skipTest ? 1 : 0
        }
    }
}

/// What `ListDestinations` answers. Its fields are those of the `.proto`.
package struct DestinationList: Hashable, WireMessage {
    package var destinations: [Destination]

    package init(destinations: [Destination]) {
        self.destinations = destinations
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__destination_list__unpack) { (wire) throws(Status) in
            DestinationList(
                destinations: try map(wire.n_destinations, wire.destinations) { (_, destination) throws(Status) in
                    try Destination(destination)
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__destination_list__init) { draft, wire in
            (wire.n_destinations, wire.destinations) = draft.list(destinations, messageexport__v1__destination__init) {
                draft, wire, destination in draft.fill(&wire, destination)
            }
        }
    }
}

/// What `TestDestination` answers. Its fields are those of the `.proto`.
package struct DestinationTest: Hashable, WireMessage {
    package var checks: [DestinationCheck]

    package init(checks: [DestinationCheck]) {
        self.checks = checks
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__destination_test__unpack) { (wire) throws(Status) in
            DestinationTest(
                checks: try map(wire.n_checks, wire.checks) { (_, check) throws(Status) in
                    guard let step = DestinationCheck.Step(rawValue: try check.step.text("step")) else {
                        throw Status(.invalidArgument, "unknown step of a test", field: "step", reason: .unknown)
                    }
                    return DestinationCheck(
                        step: step, error: try check.error.textIfAny("error"), hint: try check.hint.textIfAny("hint"))
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__destination_test__init) { draft, wire in
            (wire.n_checks, wire.checks) = draft.list(checks, messageexport__v1__destination_check__init) { draft, wire, check in
                wire.step = draft.text(check.step.rawValue)
                wire.error = draft.text(check.error ?? "")
                wire.hint = draft.text(check.hint ?? "")
            }
        }
    }
}

extension Destination: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__destination__unpack) { (wire) throws(Status) in try Destination(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__destination__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Destination) throws(Status) {
        var secrets: [String: Instant] = [:]
        try forEach(wire.n_secrets, wire.secrets) { (_, secret) throws(Status) in
            secrets[try secret.name.text("secrets.name")] = Instant(milliseconds: secret.set_at_ms)
        }
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"),
            settings: Settings(
                type: try DestinationType(wire.type),
                values: try settingsByName(wire.n_settings, wire.settings, "settings")),
            secrets: secrets, expiresAt: Instant(wire: wire.expires_at_ms), createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension DestinationType {
    fileprivate init(_ wire: ProtobufCBinaryData) throws(Status) {
        guard let type = DestinationType(rawValue: try wire.text("type")) else {
            throw Status(
                .invalidArgument, "not a type of destinations", field: "type",
                hint: "one of \(DestinationType.allCases.map(\.rawValue).joined(separator: ", "))", reason: .unknown)
        }
        self = type
    }
}

/// Settings by their names.
private func settingsByName(
    _ count: Int, _ array: UnsafeMutablePointer<UnsafeMutablePointer<Messageexport__V1__DestinationSetting>?>?, _ field: String
) throws(Status) -> [String: String] {
    var settings: [String: String] = [:]
    try forEach(count, array) { (index, setting) throws(Status) in
        let name = try setting.name.text("\(field)[\(index)].name")
        guard settings.updateValue(try setting.value.text("\(field)[\(index)].value"), forKey: name) == nil else {
            throw Status(.invalidArgument, "it is there twice", field: name, hint: "give each setting once")
        }
    }
    return settings
}

extension Draft {
    fileprivate func destinationSettings(_ values: [String: String]) -> (
        Int, UnsafeMutablePointer<UnsafeMutablePointer<Messageexport__V1__DestinationSetting>?>?
    ) {
        list(values.sorted { $0.key < $1.key }, messageexport__v1__destination_setting__init) { draft, wire, setting in
            wire.name = draft.text(setting.key)
            wire.value = draft.text(setting.value)
        }
    }

    fileprivate func fill(_ wire: inout Messageexport__V1__Destination, _ destination: Destination) {
        wire.id = text(destination.id)
        wire.name = text(destination.name)
        wire.created_at_ms = destination.createdAt.milliseconds
        wire.type = text(destination.settings.type.rawValue)
        (wire.n_settings, wire.settings) = destinationSettings(destination.settings.values)
        (wire.n_secrets, wire.secrets) = list(
            destination.secrets.sorted { $0.key < $1.key }, messageexport__v1__secret_state__init
        ) { draft, wire, secret in
            wire.name = draft.text(secret.key)
            wire.set_at_ms = secret.value.milliseconds
        }
        wire.expires_at_ms = destination.expiresAt?.milliseconds ?? 0
    }
}
