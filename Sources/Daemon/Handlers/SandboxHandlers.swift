import Catalog
import Messages
import Model
import RPC

extension ManagementHandlers {
    func createSandbox(_ request: CreateSandboxRequest, _ call: Call) async throws(Status) -> Sandbox {
        let name = try SandboxName(request.name)
        let zone = request.timeZone.isEmpty ? Zone.utc : try Zone(request.timeZone)
        let retention = try request.retentionDays.map { (days) throws(Status) in try Retention(asked: days) }
        let title = try checked(title: request.title)
        let made = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createSandbox(
                by: call.peer.uid, name: name, title: title, kind: request.kind, zone: zone,
                retention: retention ?? Retention(days: Limits.retentionDays))
        }
        do throws(Status) {
            return try await sandboxes.bringUp(made)
        } catch {
            // The next start tries again.
            _ = try? await catalog.setSandboxState(made.id, .failed)
            throw error
        }
    }

    func editSandbox(_ request: EditSandboxRequest, _ call: Call) async throws(Status) -> Sandbox {
        let entry = try named(request.sandbox.isEmpty ? defaultSandbox : request.sandbox)
        var change = SandboxChange()
        change.title = try request.title.map { (title) throws(Status) in try checked(title: title) }
        change.zone = try request.timeZone.map { (zone) throws(Status) in try Zone(zone) }
        change.retention = try request.retentionDays.map { (days) throws(Status) in try Retention(asked: days) }
        change.quotaBytes = request.quotaBytes
        change.quotaRecordsPerDay = request.quotaRecordsPerDay
        change.quotaRecordsPerSecond = request.quotaRecordsPerSecond
        guard change != SandboxChange() else {
            throw Status(.invalidArgument, "nothing is to be changed", hint: "set the title or a setting")
        }
        let asked = change
        if let retention = change.retention { try await requireSchedules(fit: retention, entry.sandbox) }
        let edited = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.editSandbox(by: call.peer.uid, entry.sandbox.id, asked, ifRevision: request.ifRevision)
        }
        if asked.zone != nil {
            try await unlessCatalogFails { () async throws(CatalogError) in
                try await catalog.rescheduleDataflows(sandboxID: edited.id)
            }
        }
        return try await sandboxes.update(edited)
    }

    /// Records that are kept for less time must be exported more often.
    private func requireSchedules(fit retention: Retention, _ sandbox: Sandbox) async throws(Status) {
        let dataflows = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.dataflows(sandboxID: sandbox.id)
        }
        for dataflow in dataflows {
            do { try dataflow.settings.schedule.check(keeping: retention) } catch {
                throw Status(
                    .failedPrecondition, "dataflow \(dataflow.name) does not run often enough: \(error.message)",
                    field: "retention_days", hint: "edit its schedule first")
            }
        }
    }

    func resetSandbox(_ request: ConfirmedSandboxRequest, _ call: Call) async throws(Status) -> Sandbox {
        let entry = try confirmed(request)
        let emptied = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.resetSandbox(by: call.peer.uid, entry.sandbox.id)
        }
        try await sandboxes.takeDown(entry)
        // Flags that are off in it may be on in its next life.
        await flags.waitForLeases(of: entry.sandbox.name)
        let active = try await sandboxes.bringUp(emptied)
        try await recordDone(.sandboxReset, of: entry.sandbox, in: [entry.sandbox.id], call)
        return active
    }

    func deleteSandbox(_ request: ConfirmedSandboxRequest, _ call: Call) async throws(Status) -> Sandbox {
        let entry = try confirmed(request)
        let deleted = try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteSandbox(by: call.peer.uid, entry.sandbox.id)
        }
        directory.remove(entry.sandbox.name)
        try await sandboxes.takeDown(entry)
        try await recordDone(.sandboxDelete, of: entry.sandbox, in: ["", entry.sandbox.id], call)
        return deleted
    }

    /// All that was in it is destroyed.
    private func recordDone(
        _ action: AuditEvent.Action, of sandbox: Sandbox, in chains: [String], _ call: Call
    ) async throws(Status) {
        let deeds = chains.map { Deed(user: call.peer.uid, chain: $0, action: action, object: sandbox.name) }
        try await unlessCatalogFails { () async throws(CatalogError) in try await audit.record(deeds) }
    }

    func getSandbox(_ request: SandboxRequest, in place: Place) async throws(Status) -> Sandbox { place.sandbox }

    func listSandboxes(_ request: ListSandboxesRequest, _ call: Call) async throws(Status) -> SandboxList {
        SandboxList(sandboxes: gate.visible(to: call).map(\.sandbox))
    }

    /// A sandbox for an administrator, who may know which there are.
    func named(_ name: String) throws(Status) -> SandboxDirectory.Entry {
        guard let entry = directory.snapshot.entries[name] else {
            throw Status(.notFound, "there is no such sandbox", field: "sandbox", hint: "see 'msgexport sandbox list'")
        }
        return entry
    }

    private func confirmed(_ request: ConfirmedSandboxRequest) throws(Status) -> SandboxDirectory.Entry {
        guard !request.sandbox.isEmpty else {
            throw Status(.invalidArgument, "there is no default for this", field: "sandbox", reason: .missing)
        }
        let entry = try named(request.sandbox)
        guard request.confirm == request.sandbox else {
            throw Status(
                .invalidArgument, "this destroys all that is in sandbox \(request.sandbox): its name is to be given again",
                field: "confirm", hint: "--confirm \(request.sandbox)", reason: .missing)
        }
        return entry
    }

    private func checked(title: String) throws(Status) -> String {
        guard title.utf8.count <= Limits.titleBytes, title.unicodeScalars.allSatisfy({ $0.value >= 0x20 }) else {
            throw Status(
                .invalidArgument, "a title is one line of at most \(Limits.titleBytes) bytes", field: "title",
                limit: Limits.titleBytes)
        }
        return title
    }
}
