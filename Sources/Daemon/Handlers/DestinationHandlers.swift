import Catalog
import Destinations
import Disk
import Messages
import Model

extension ManagementHandlers {
    func createDestination(_ request: CreateDestinationRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        try await storages.check(request.settings, request.secrets)
        if !request.skipTest { try await requireDelivery(request.settings, request.secrets) }
        let id = CatalogStore.newDestinationID()
        let draft = DestinationDraft(
            settings: request.settings, sealed: storages.seal(request.secrets, for: id), expiresAt: request.secrets.signInEnd)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDestination(by: place.user, sandboxID: place.sandbox.id, id: id, name: name, draft)
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
        let destination = try await getDestination(NameRequest(sandbox: request.sandbox, name: request.name), in: place)
        guard !request.settings.isEmpty || !request.secrets.isEmpty else {
            throw Status(.invalidArgument, "nothing is to be changed", hint: "give a setting or a secret")
        }
        let (settings, dropped) = destination.settings.changed(request.settings, secrets: request.secrets)
        var secrets = try await storages.secrets(of: destination).filter { !dropped.contains($0.key) }
        let given = request.secrets.filter { !$0.value.text.isEmpty }
        secrets.merge(given) { _, new in new }
        try await storages.check(settings, secrets)
        if !request.skipTest { try await requireDelivery(settings, secrets) }
        let draft = DestinationDraft(
            settings: settings, sealed: storages.seal(given, for: destination.id), dropped: dropped, expiresAt: secrets.signInEnd)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.editDestination(by: place.user, sandboxID: place.sandbox.id, name: name, draft)
        }
    }

    func testDestination(_ request: NameRequest, in place: Place) async throws(Status) -> DestinationTest {
        let destination = try await getDestination(request, in: place)
        let secrets = try await storages.secrets(of: destination)
        try await storages.check(destination.settings, secrets)
        let checks = try await test(destination.settings, secrets)
        let failed = checks.first { $0.error != nil }
        let deed = Deed(
            user: place.user, chain: place.sandbox.id, action: .destinationTest, object: destination.name,
            outcome: failed == nil ? .done : .failed, detail: failed?.step.rawValue ?? "")
        try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.record([deed]) }
        return DestinationTest(checks: checks)
    }

    func deleteDestination(_ request: NameRequest, in place: Place) async throws(Status) -> Destination {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDestination(by: place.user, sandboxID: place.sandbox.id, name: name)
        }
    }

    /// Makes sure that the daemon can deliver there.
    private func requireDelivery(_ settings: Destination.Settings, _ secrets: [String: Secret]) async throws(Status) {
        guard let failed = try await test(settings, secrets).first(where: { $0.error != nil }) else { return }
        throw Status(
            .failedPrecondition, "cannot deliver there, \(failed.step.rawValue) failed: \(failed.error ?? "")",
            field: settings.type == .local ? "path" : nil,
            hint: failed.hint ?? "mend it, or take it untested (--skip-test)")
    }

    /// On a thread of its own: it may take as long as a destination takes.
    private func test(_ settings: Destination.Settings, _ secrets: [String: Secret]) async throws(Status) -> [DestinationCheck] {
        let probe = ".message-export-\(CatalogStore.newDestinationID().prefix(8))"
        return try await DiskQueue("test").run { [storages] () throws(Status) in
            do {
                return try storages.open(settings, secrets) { false }.test(probe)
            } catch let error as DestinationError {
                return [error.check(of: .write)]
            } catch let error as Status {
                throw error
            } catch {
                throw Status(.internal, "\(type(of: error))")
            }
        }
    }
}
