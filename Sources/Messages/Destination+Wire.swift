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
            guard wire.settings_case == MESSAGEEXPORT__V1__CREATE_DESTINATION_REQUEST__SETTINGS_LOCAL, let local = wire.local
            else {
                throw noSettings
            }
            return CreateDestinationRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                settings: .local(path: try local.pointee.path.text("local.path")))
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

private let noSettings = Status(.invalidArgument, "no settings for any type of destination", field: "settings", hint: "set local")

extension Destination: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__destination__unpack) { (wire) throws(Status) in
            guard wire.settings_case == MESSAGEEXPORT__V1__DESTINATION__SETTINGS_LOCAL, let local = wire.local else {
                throw noSettings
            }
            return Destination(
                id: try wire.id.text("id"), name: try wire.name.text("name"),
                settings: .local(path: try local.pointee.path.text("local.path")),
                createdAt: Instant(milliseconds: wire.created_at_ms))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__destination__init) { draft, wire in
            wire.id = draft.text(id)
            wire.name = draft.text(name)
            wire.created_at_ms = createdAt.milliseconds
            switch settings {
            case .local(let path):
                wire.settings_case = MESSAGEEXPORT__V1__DESTINATION__SETTINGS_LOCAL
                wire.local = draft.local(path)
            }
        }
    }
}

extension Draft {
    fileprivate func local(_ path: String) -> UnsafeMutablePointer<Messageexport__V1__LocalSettings> {
        make(messageexport__v1__local_settings__init) { draft, wire in wire.path = draft.text(path) }
    }
}
