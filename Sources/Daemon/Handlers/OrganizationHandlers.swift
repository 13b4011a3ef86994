import Catalog
import Messages
import Model
import RPC

extension ManagementHandlers {
    func getOrganization(_ request: GetOrganizationRequest, _ call: Call) async throws(Status) -> Organization {
        try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.organization() }
    }

    func editOrganization(_ request: EditOrganizationRequest, _ call: Call) async throws(Status) -> Organization {
        guard request.name != nil || request.messageExport != nil else {
            throw Status(.invalidArgument, "nothing is to be changed", hint: "set name or message_export")
        }
        if let name = request.name, name.isEmpty || name.utf8.count > Limits.nameBytes {
            throw Status(
                .invalidArgument, "a name has 1 to \(Limits.nameBytes) bytes", field: "name", limit: Limits.nameBytes)
        }
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let organization = try await catalog.editOrganization(
                by: call.peer.uid, name: request.name, messageExport: request.messageExport, ifRevision: request.ifRevision)
            try await directory.refreshOrganization()
            return organization
        }
    }
}
