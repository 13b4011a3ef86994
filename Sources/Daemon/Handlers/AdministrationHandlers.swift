import Catalog
import Dataset
import Disk
import Messages
import Model

extension ManagementHandlers {
    func getStatus(_ request: SandboxRequest, in place: Place) async throws(Status) -> DaemonStatus {
        let entry = place.entry
        let totals = entry.store.totals
        let disk = DiskSpace(of: data)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let organization = try await catalog.organization()
            let (destinations, dataflows) = try await catalog.counts(sandboxID: entry.sandbox.id)
            let exporting = entry.configurations.values.count { $0.state == .active && $0.messageExport }
            return DaemonStatus(
                version: productVersion, organization: organization.name, messageExport: organization.messageExport,
                startedAt: startedAt, sandbox: entry.sandbox.name, configurations: UInt32(entry.configurations.count),
                configurationsExporting: UInt32(exporting), destinations: destinations, dataflows: dataflows,
                records: totals.records, lastSequence: totals.lastSequence, segments: totals.segments, storedBytes: totals.bytes,
                recoveryReports: entry.store.recoveryReports, time: time.reading, diskBytes: disk?.bytes ?? 0,
                diskFreeBytes: disk?.free ?? 0)
        }
    }
}
