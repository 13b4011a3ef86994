import CMessages
package import Model

/// What a method asks that needs nothing but a sandbox. Its fields are those of the `.proto`.
package struct SandboxRequest: Hashable, WireMessage {
    package var sandbox: String

    package init(sandbox: String) {
        self.sandbox = sandbox
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__sandbox_request__unpack) { (wire) throws(Status) in
            SandboxRequest(sandbox: try wire.sandbox.text("sandbox"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__sandbox_request__init) { draft, wire in wire.sandbox = draft.text(sandbox) }
    }
}

/// What a method asks that concerns one named thing of a sandbox. Its fields are those of the `.proto`.
package struct NameRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String

    package init(sandbox: String, name: String) {
        self.sandbox = sandbox
        self.name = name
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__name_request__unpack) { (wire) throws(Status) in
            NameRequest(sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__name_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
        }
    }
}
