import Catalog
import Disk
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

    func getMetrics(_ request: GetMetricsRequest, _ call: Call) async throws(Status) -> MetricsPage {
        MetricsPage(text: await metrics.text())
    }

    func getTime(_ request: GetTimeRequest, _ call: Call) async throws(Status) -> ClockReading { time.reading }

    func confirmTime(_ request: ConfirmTimeRequest, _ call: Call) async throws(Status) -> ClockReading {
        let reading = time.reading
        let away = abs(reading.wall.milliseconds - request.wall.milliseconds)
        guard away <= Int64(Limits.clockToleranceSeconds) * 1000 else {
            throw Status(
                .failedPrecondition, "the wall clock shows \(reading.wall), which is not the time that is confirmed",
                field: "wall_ms",
                hint: "look at it again: msgexport time show")
        }
        let deed = Deed(
            user: call.peer.uid, action: .timeTrusted, outcome: .intended,
            detail: "confirmed, wall clock \(reading.wall), trusted time \(reading.trusted)")
        try await unlessCatalogFails { () async throws(CatalogError) in try await catalog.record([deed]) }
        try await reads.run { () throws(Status) in
            do throws(DiskError) { try time.confirm() } catch { throw Status(error) }
        }
        // Times to come were calculated by what was believed.
        for entry in directory.snapshot.entries.values {
            try await unlessCatalogFails { () async throws(CatalogError) in
                try await catalog.rescheduleDataflows(sandboxID: entry.sandbox.id)
            }
        }
        return time.reading
    }
}
