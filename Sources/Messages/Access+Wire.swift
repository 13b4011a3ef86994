import CMessages
package import Model

/// What `CreateGrant` and `DeleteGrant` ask. Its fields are those of the `.proto`.
package struct GrantRequest: Hashable, WireMessage {
    package var role: Role
    package var subject: Subject
    /// Empty: prod; of an administrator: nothing else.
    package var sandbox: String

    package init(role: Role, subject: Subject, sandbox: String) {
        self.role = role
        self.subject = subject
        self.sandbox = sandbox
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__grant_request__unpack) { (wire) throws(Status) in
            let subject: Subject
            switch wire.subject_case {
            case MESSAGEEXPORT__V1__GRANT_REQUEST__SUBJECT_USER: subject = .user(wire.user)
            case MESSAGEEXPORT__V1__GRANT_REQUEST__SUBJECT_GROUP: subject = .group(wire.group)
            default: throw Status(.invalidArgument, "neither a user nor a group is named", field: "subject", reason: .missing)
            }
            return GrantRequest(
                role: try known(wire.role, "role", \.wire), subject: subject, sandbox: try wire.sandbox.text("sandbox"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__grant_request__init) { draft, wire in
            wire.role = role.wire
            switch subject {
            case .user(let id):
                wire.subject_case = MESSAGEEXPORT__V1__GRANT_REQUEST__SUBJECT_USER
                wire.user = id
            case .group(let id):
                wire.subject_case = MESSAGEEXPORT__V1__GRANT_REQUEST__SUBJECT_GROUP
                wire.group = id
            }
            wire.sandbox = draft.text(sandbox)
        }
    }
}

/// What `ListGrants` asks. Its fields are those of the `.proto`.
package struct ListGrantsRequest: Hashable, WireMessage {
    /// Empty: all.
    package var sandbox: String

    package init(sandbox: String) {
        self.sandbox = sandbox
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_grants_request__unpack) { (wire) throws(Status) in
            ListGrantsRequest(sandbox: try wire.sandbox.text("sandbox"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__list_grants_request__init) { draft, wire in wire.sandbox = draft.text(sandbox) }
    }
}

/// What `ListGrants` answers. Its fields are those of the `.proto`.
package struct GrantList: Hashable, WireMessage {
    package var grants: [Grant]

    package init(grants: [Grant]) {
        self.grants = grants
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__grant_list__unpack) { (wire) throws(Status) in
            GrantList(grants: try map(wire.n_grants, wire.grants) { (_, grant) throws(Status) in try Grant(grant) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__grant_list__init) { draft, wire in
            (wire.n_grants, wire.grants) = draft.list(grants, messageexport__v1__grant__init) { draft, wire, grant in
                draft.fill(&wire, grant)
            }
        }
    }
}

extension Grant: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__grant__unpack) { (wire) throws(Status) in try Grant(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__grant__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Grant) throws(Status) {
        let subject: Subject =
            wire.subject_case == MESSAGEEXPORT__V1__GRANT__SUBJECT_GROUP ? .group(wire.group) : .user(wire.user)
        self.init(
            role: try known(wire.role, "role", \.wire), subject: subject, sandbox: try wire.sandbox.textIfAny("sandbox"),
            createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Grant, _ grant: Grant) {
        wire.role = grant.role.wire
        switch grant.subject {
        case .user(let id):
            wire.subject_case = MESSAGEEXPORT__V1__GRANT__SUBJECT_USER
            wire.user = id
        case .group(let id):
            wire.subject_case = MESSAGEEXPORT__V1__GRANT__SUBJECT_GROUP
            wire.group = id
        }
        wire.sandbox = text(grant.sandbox ?? "")
        wire.created_at_ms = grant.createdAt.milliseconds
    }
}
