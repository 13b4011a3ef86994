import Audit
import Catalog
import Dataset
import Disk
import Model
import RPC
import SystemPackage

/// Serves the management methods: decodes nothing, encodes nothing, calls what does the work.
struct ManagementHandlers: Sendable {
    let catalog: CatalogStore
    let directory: SandboxDirectory
    let gate: AccessGate
    let sandboxes: Sandboxes
    let audit: AuditService
    let flags: FlagService
    let exports: ExportService
    let storages: Storages
    let time: TrustedTime
    let metrics: MetricsReport
    let reads: DiskQueue
    /// Verifications, one at a time.
    let verifications = DiskQueue("verifications")
    let signingKey: SigningKey
    /// Large records that are held in memory.
    let largeRecords = Allowance(limit: Limits.largeRecordBytes, share: Limits.largeRecordBytesPerConnection)
    let startedAt: Instant
    /// On the file system that fills.
    let data: FilePath

    /// The number of things asked for.
    /// - Throws: `invalidArgument` naming `limit` when it is over `most`.
    func limit(_ asked: UInt32, otherwise standard: Int, atMost most: Int) throws(Status) -> Int {
        guard asked <= most else {
            throw Status(
                .invalidArgument, "\(asked) are asked for, at most \(most) are answered at once", field: "limit", limit: most)
        }
        return asked == 0 ? standard : Int(asked)
    }
}

/// Does what may fail in the catalog.
func unlessCatalogFails<Value: Sendable>(_ body: () async throws(CatalogError) -> Value) async throws(Status) -> Value {
    do { return try await body() } catch { throw Status(error) }
}
