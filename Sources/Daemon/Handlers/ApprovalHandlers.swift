import Catalog
import Destinations
import Disk
import Messages
import Model
import RPC

extension ManagementHandlers {
    func listApprovals(_ request: ListApprovalsRequest, _ call: Call) async throws(Status) -> ApprovalList {
        try await unlessCatalogFails { () async throws(CatalogError) in ApprovalList(approvals: try await catalog.approvals()) }
    }

    func createApproval(_ request: CreateApprovalRequest, _ call: Call) async throws(Status) -> Approval {
        guard request.kind == .openPGP else {
            guard request.publicKey.isEmpty else {
                throw Status(.invalidArgument, "only an OpenPGP key has a public key", field: "public_key")
            }
            let value = try Approval.canonical(request.kind, request.value)
            return try await unlessCatalogFails { () async throws(CatalogError) in
                try await catalog.createApproval(by: call.peer.uid, request.kind, value)
            }
        }
        guard !request.publicKey.isEmpty, request.publicKey.count <= Limits.publicKeyBytes else {
            throw Status(
                .invalidArgument, "a public key of 1 to \(Limits.publicKeyBytes) bytes is expected", field: "public_key",
                limit: Limits.publicKeyBytes)
        }
        let key = try await DiskQueue("openpgp").run { [storages] () throws(Status) in
            try storages.gpg.describe(request.publicKey, storages.patience { false })
        }
        if !request.value.isEmpty, try Approval.canonical(.openPGP, request.value) != key.fingerprint {
            throw Status(.invalidArgument, "the key has the fingerprint \(key.fingerprint)", field: "value", reason: .conflict)
        }
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createApproval(
                by: call.peer.uid, .openPGP, key.fingerprint, label: key.label, publicKey: request.publicKey)
        }
    }

    func deleteApproval(_ request: DeleteApprovalRequest, _ call: Call) async throws(Status) -> Approval {
        let value = try Approval.canonical(request.kind, request.value)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteApproval(by: call.peer.uid, request.kind, value)
        }
    }
}
