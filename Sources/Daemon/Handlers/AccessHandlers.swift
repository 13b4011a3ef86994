import Catalog
import Messages
import Model
import RPC

extension ManagementHandlers {
    func createGrant(_ request: GrantRequest, _ call: Call) async throws(Status) -> Grant {
        switch request.subject {
        case .user(OverflowID.user), .group(OverflowID.group):
            throw Status(
                .invalidArgument, "\(request.subject) stands for whoever the kernel cannot name here: it is given nothing",
                field: "subject")
        case .user, .group: break
        }
        return try await changing(request) { (sandboxID) async throws(CatalogError) in
            try await catalog.createGrant(by: call.peer.uid, request.role, to: request.subject, in: sandboxID)
        }
    }

    func deleteGrant(_ request: GrantRequest, _ call: Call) async throws(Status) -> Grant {
        try await changing(request) { (sandboxID) async throws(CatalogError) in
            try await catalog.deleteGrant(by: call.peer.uid, request.role, of: request.subject, in: sandboxID)
        }
    }

    func listGrants(_ request: ListGrantsRequest, _ call: Call) async throws(Status) -> GrantList {
        let sandboxID = request.sandbox.isEmpty ? nil : try named(request.sandbox).sandbox.id
        return try await unlessCatalogFails { () async throws(CatalogError) in
            GrantList(grants: try await catalog.grants(sandboxID: sandboxID))
        }
    }

    /// Makes a change, given the sandbox's id; returns when requests see it.
    private func changing(
        _ request: GrantRequest, _ change: (String) async throws(CatalogError) -> Grant
    ) async throws(Status) -> Grant {
        guard request.role != .administrator else {
            guard request.sandbox.isEmpty else {
                throw Status(.invalidArgument, "an administrator is one of the organization, not of a sandbox", field: "sandbox")
            }
            return try await unlessCatalogFails { () async throws(CatalogError) in
                let grant = try await change("")
                try await directory.refreshOrganization()
                return grant
            }
        }
        let id = try named(request.sandbox.isEmpty ? defaultSandbox : request.sandbox).sandbox.id
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let grant = try await change(id)
            try await directory.refresh(id)
            return grant
        }
    }
}
