import Catalog
import Destinations
import Disk
import Messages
import Model
import SystemPackage

extension ManagementHandlers {
    func createDestination(_ request: CreateDestinationRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        try await check(request.settings)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDestination(
                by: place.user, sandboxID: place.sandbox.id, name: name, settings: request.settings)
        }
    }

    func getDestination(_ request: NameRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.destination(sandboxID: place.sandbox.id, name: name)
        }
    }

    func listDestinations(_ request: SandboxRequest, in place: Place) async throws(Status) -> DestinationList {
        return try await unlessCatalogFails { () async throws(CatalogError) in
            DestinationList(destinations: try await catalog.destinations(sandboxID: place.sandbox.id))
        }
    }

    func editDestination(_ request: EditDestinationRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        try await check(request.settings)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.editDestination(by: place.user, sandboxID: place.sandbox.id, name: name, settings: request.settings)
        }
    }

    func deleteDestination(_ request: NameRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDestination(by: place.user, sandboxID: place.sandbox.id, name: name)
        }
    }

    /// Makes sure that the daemon can deliver there.
    private func check(_ settings: Destination.Settings) async throws(Status) {
        guard case .local(let path) = settings else { preconditionFailure("there is one type") }
        let folder = try LocalFolder(path: path, files: files)
        guard !FilePath(path).starts(with: dataFolder) else {
            throw Status(.invalidArgument, "\(path) is inside the daemon's own data folder", field: "path")
        }
        try await reads.run { () throws(Status) in try folder.check() }
    }
}
