import CMessages
package import Model

/// What `CreateDestination` asks. Its fields are those of the `.proto`.
package struct CreateDestinationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var settings: Destination.Settings

    package init(sandbox: String, name: String, settings: Destination.Settings) {
        self.sandbox = sandbox
        self.name = name
        self.settings = settings
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_destination_request__unpack) { (wire) throws(Status) in
            let isLocal = wire.settings_case == MESSAGEEXPORT__V1__CREATE_DESTINATION_REQUEST__SETTINGS_LOCAL
            return CreateDestinationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: try Destination.Settings(local: isLocal ? wire.local : nil))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_destination_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            switch settings {
            case .local(let path):
                wire.settings_case = MESSAGEEXPORT__V1__CREATE_DESTINATION_REQUEST__SETTINGS_LOCAL
                wire.local = draft.local(path)
            }
        }
    }
}

/// What `EditDestination` asks. Its fields are those of the `.proto`.
package struct EditDestinationRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    package var settings: Destination.Settings

    package init(sandbox: String, name: String, settings: Destination.Settings) {
        self.sandbox = sandbox
        self.name = name
        self.settings = settings
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__edit_destination_request__unpack) { (wire) throws(Status) in
            let isLocal = wire.settings_case == MESSAGEEXPORT__V1__EDIT_DESTINATION_REQUEST__SETTINGS_LOCAL
            return EditDestinationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: try Destination.Settings(local: isLocal ? wire.local : nil))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__edit_destination_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            switch settings {
            case .local(let path):
                wire.settings_case = MESSAGEEXPORT__V1__EDIT_DESTINATION_REQUEST__SETTINGS_LOCAL
                wire.local = draft.local(path)
            }
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

extension Destination: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__destination__unpack) { (wire) throws(Status) in try Destination(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__destination__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Destination) throws(Status) {
        let isLocal = wire.settings_case == MESSAGEEXPORT__V1__DESTINATION__SETTINGS_LOCAL
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"),
            settings: try Settings(local: isLocal ? wire.local : nil), createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Destination.Settings {
    fileprivate init(local: UnsafeMutablePointer<Messageexport__V1__LocalSettings>?) throws(Status) {
        guard let local else {
            throw Status(.invalidArgument, "no settings for any type of destination", field: "settings", hint: "set local")
        }
        self = .local(path: try local.pointee.path.text("local.path"))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Destination, _ destination: Destination) {
        wire.id = text(destination.id)
        wire.name = text(destination.name)
        wire.created_at_ms = destination.createdAt.milliseconds
        switch destination.settings {
        case .local(let path):
            wire.settings_case = MESSAGEEXPORT__V1__DESTINATION__SETTINGS_LOCAL
            wire.local = local(path)
        }
    }

    fileprivate func local(_ path: String) -> UnsafeMutablePointer<Messageexport__V1__LocalSettings> {
        make(messageexport__v1__local_settings__init) { draft, wire in wire.path = draft.text(path) }
    }
}
