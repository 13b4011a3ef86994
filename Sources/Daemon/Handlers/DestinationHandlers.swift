import Catalog
import Destinations
import Disk
import Messages
import Model
import SystemPackage

extension ManagementHandlers {
    func createDestination(_ request: CreateDestinationRequest) async throws(Status) -> Destination {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        try await check(request.settings)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDestination(sandboxID: sandbox.id, name: name, settings: request.settings)
        }
    }

    func getDestination(_ request: NameRequest) async throws(Status) -> Destination {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.destination(sandboxID: sandbox.id, name: name)
        }
    }

    func listDestinations(_ request: SandboxRequest) async throws(Status) -> DestinationList {
        let sandbox = try directory.entry(request.sandbox).sandbox
        return try await unlessCatalogFails { () async throws(CatalogError) in
            DestinationList(destinations: try await catalog.destinations(sandboxID: sandbox.id))
        }
    }

    func editDestination(_ request: EditDestinationRequest) async throws(Status) -> Destination {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        try await check(request.settings)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.editDestination(sandboxID: sandbox.id, name: name, settings: request.settings)
        }
    }

    func deleteDestination(_ request: NameRequest) async throws(Status) -> Destination {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDestination(sandboxID: sandbox.id, name: name)
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
