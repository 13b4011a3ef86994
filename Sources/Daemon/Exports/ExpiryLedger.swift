import Catalog
import Dataset
import Metrics
import Model

/// Notes what has expired, before anything else follows from it, and tells of what was not exported.
struct ExpiryLedger: Sendable {
    let catalog: CatalogStore
    let alerts: AlertService
    let time: any TimeSource

    /// Notes expired segments: what each dataflow has not exported of them, and may not have in a run under way. What was noted is not noted
    /// again.
    func note(_ expired: [RecordStore.Expired], of entry: SandboxDirectory.Entry) async throws(CatalogError) {
        let ranges = expired.compactMap { segment in
            segment.sequences.map { ExpiringRange(sequences: $0) { try segment.records(after: $0) } }
        }
        let unexported = try await catalog.noteDestruction(
            of: deed(.intended, expired, entry.sandbox), ranges: ranges, highestSequence: entry.store.highestSequence)
        for loss in unexported {
            entry.meter.expiredUnexported.add(loss.records)
            await alerts.raise(
                Alert(
                    kind: .expiredUnexported, dataflow: loss.dataflow, time: time.now,
                    detail: "\(loss.records) records of \(days(of: expired)) expired before they were exported"),
                in: entry.sandbox)
        }
    }

    /// Notes that they are destroyed.
    func noteDestroyed(_ expired: [RecordStore.Expired], of sandbox: Sandbox) async throws(CatalogError) {
        try await catalog.record([deed(.done, expired, sandbox)])
    }

    private func deed(_ outcome: AuditEvent.Outcome, _ expired: [RecordStore.Expired], _ sandbox: Sandbox) -> Deed {
        Deed(
            user: nil, chain: sandbox.id, action: .recordExpire, object: days(of: expired), outcome: outcome,
            count: expired.reduce(0) { $0 + $1.records }, detail: "\(expired.count) segments")
    }

    private func days(of expired: [RecordStore.Expired]) -> String {
        Set(expired.map(\.day)).sorted().map(\.description).joined(separator: ", ")
    }
}
