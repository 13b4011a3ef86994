import CMessages
import CProtobufC
package import Model

/// What `ListApprovals` asks: nothing.
package struct ListApprovalsRequest: Hashable, WireMessage {
    package init() {}

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_approvals_request__unpack) { (_) throws(Status) in
            ListApprovalsRequest()
        }
    }

    package var packed: [UInt8] { [] }
}

/// What `CreateApproval` asks. Its fields are those of the `.proto`.
package struct CreateApprovalRequest: Hashable, WireMessage {
    package var kind: Approval.Kind
    package var value: String
    package var publicKey: [UInt8]

    package init(kind: Approval.Kind, value: String, publicKey: [UInt8] = []) {
        self.kind = kind
        self.value = value
        self.publicKey = publicKey
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_approval_request__unpack) { (wire) throws(Status) in
            CreateApprovalRequest(
                kind: try Approval.Kind(wire.kind), value: try wire.value.text("value"), publicKey: wire.public_key.array)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_approval_request__init) { draft, wire in
            wire.kind = draft.text(kind.rawValue)
            wire.value = draft.text(value)
            wire.public_key = draft.bytes(publicKey)
        }
    }
}

/// What `DeleteApproval` asks. Its fields are those of the `.proto`.
package struct DeleteApprovalRequest: Hashable, WireMessage {
    package var kind: Approval.Kind
    package var value: String

    package init(kind: Approval.Kind, value: String) {
        self.kind = kind
        self.value = value
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__delete_approval_request__unpack) { (wire) throws(Status) in
            DeleteApprovalRequest(kind: try Approval.Kind(wire.kind), value: try wire.value.text("value"))
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__delete_approval_request__init) { draft, wire in
            wire.kind = draft.text(kind.rawValue)
            wire.value = draft.text(value)
        }
    }
}

/// What `ListApprovals` answers. Its fields are those of the `.proto`.
package struct ApprovalList: Hashable, WireMessage {
    package var approvals: [Approval]

    package init(approvals: [Approval]) {
        self.approvals = approvals
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__approval_list__unpack) { (wire) throws(Status) in
            ApprovalList(
                approvals: try map(wire.n_approvals, wire.approvals) { (_, approval) throws(Status) in try Approval(approval) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__approval_list__init) { draft, wire in
            (wire.n_approvals, wire.approvals) = draft.list(approvals, messageexport__v1__approval__init) {
                draft, wire, approval in draft.fill(&wire, approval)
            }
        }
    }
}

extension Approval: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__approval__unpack) { (wire) throws(Status) in try Approval(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__approval__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Approval) throws(Status) {
        self.init(
            kind: try Kind(wire.kind), value: try wire.value.text("value"), label: try wire.label.text("label"),
            createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Approval.Kind {
    fileprivate init(_ wire: ProtobufCBinaryData) throws(Status) {
        guard let kind = Approval.Kind(rawValue: try wire.text("kind")) else {
            throw Status(
                .invalidArgument, "not a kind of approvals", field: "kind",
                hint: "one of \(Approval.Kind.allCases.map(\.rawValue).joined(separator: ", "))", reason: .unknown)
        }
        self = kind
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Approval, _ approval: Approval) {
        wire.kind = text(approval.kind.rawValue)
        wire.value = text(approval.value)
        wire.label = text(approval.label)
        wire.created_at_ms = approval.createdAt.milliseconds
    }
}
