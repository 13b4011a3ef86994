import Catalog
import Dataset
import Destinations
import Disk
import Messages
import Model
import SystemPackage

/// Serves the management methods: decodes nothing, encodes nothing, calls what does the work.
struct ManagementHandlers: Sendable {
    let catalog: CatalogStore
    let directory: SandboxDirectory
    let exports: ExportService
    let files: any Files
    let reads: DiskQueue
    /// Where nothing is delivered to.
    let dataFolder: FilePath
    let startedAt: Instant

    func createConfiguration(_ request: CreateConfigurationRequest) async throws(Status) -> ChannelConfiguration {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await changing { () async throws(CatalogError) in
            try await catalog.createConfiguration(
                sandboxID: sandbox.id, name: name, channel: request.channel, messageExport: request.messageExport,
                submit: request.submit)
        }
    }

    func submitConfiguration(_ request: SubmitConfigurationRequest) async throws(Status) -> ChannelConfiguration {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await changing { () async throws(CatalogError) in
            try await catalog.submitConfiguration(sandboxID: sandbox.id, name: name)
        }
    }

    /// Makes a change to the catalog that ingesting depends on; returns when ingests see it.
    private func changing<Value: Sendable>(_ change: () async throws(CatalogError) -> Value) async throws(Status) -> Value {
        do {
            let value = try await change()
            try await directory.refresh()
            return value
        } catch {
            throw Status(error)
        }
    }

    func getRecords(_ request: GetRecordsRequest) async throws(Status) -> GetRecordsResponse {
        let entry = try directory.entry(request.sandbox)
        let id = try MessageID(request.messageID)
        let found: [StoredRecord]
        do {
            found = try await reads.run { () throws(DatasetError) in try entry.store.find(id) }
        } catch {
            throw Status(error)
        }
        guard !found.isEmpty else {
            throw Status(
                .notFound, "no record of that message id is retained in sandbox \(entry.sandbox.name)", field: "message_id")
        }
        var records: [Record] = []
        for record in found { records.append(try Record(record, sandbox: entry.sandbox.name)) }
        return GetRecordsResponse(records: records)
    }

    func createDestination(_ request: CreateDestinationRequest) async throws(Status) -> Destination {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        guard case .local(let path) = request.settings else { preconditionFailure("there is one type") }
        let folder = try LocalFolder(path: path, files: files)
        guard !FilePath(path).starts(with: dataFolder) else {
            throw Status(.invalidArgument, "\(path) is inside the daemon's own data folder", field: "path")
        }
        try await reads.run { () throws(Status) in try folder.check() }
        do {
            return try await catalog.createDestination(sandboxID: sandbox.id, name: name, settings: request.settings)
        } catch {
            throw Status(error)
        }
    }

    func createDataflow(_ request: CreateDataflowRequest) async throws(Status) -> Dataflow {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        do {
            return try await catalog.createDataflow(
                sandboxID: sandbox.id, name: name, destination: request.destination, format: request.format,
                compression: request.compression ?? .gzip)
        } catch {
            throw Status(error)
        }
    }

    func startRun(_ request: StartRunRequest) async throws(Status) -> Run {
        try await exports.start(dataflow: request.dataflow, of: try directory.entry(request.sandbox))
    }

    func waitRun(_ request: WaitRunRequest) async throws(Status) -> Run {
        let sandbox = try directory.entry(request.sandbox).sandbox
        do {
            // A run that does not exist is refused before it is waited for.
            _ = try await catalog.run(sandboxID: sandbox.id, id: request.runID)
            await exports.waitForEnd(of: request.runID)
            return try await catalog.run(sandboxID: sandbox.id, id: request.runID)
        } catch {
            throw Status(error)
        }
    }

    func getStatus(_ request: GetStatusRequest) async throws(Status) -> DaemonStatus {
        let entry = try directory.entry(request.sandbox)
        let totals = entry.store.totals
        do {
            let organization = try await catalog.organization()
            let (destinations, dataflows) = try await catalog.counts(sandboxID: entry.sandbox.id)
            let exporting = entry.configurations.values.count { $0.state == .active && $0.messageExport }
            return DaemonStatus(
                version: productVersion, organization: organization.name, messageExport: organization.messageExport,
                startedAt: startedAt, sandbox: entry.sandbox.name, configurations: UInt32(entry.configurations.count),
                configurationsExporting: UInt32(exporting), destinations: destinations, dataflows: dataflows,
                records: totals.records, lastSequence: totals.lastSequence, segments: totals.segments, storedBytes: totals.bytes,
                recoveryReports: entry.store.recoveryReports)
        } catch {
            throw Status(error)
        }
    }
}

extension Record {
    /// What the dataset keeps, as a record.
    /// - Throws: `dataLoss` when the payload is not a message, which only a defect can cause: it is authenticated.
    init(_ stored: StoredRecord, sandbox: String) throws(Status) {
        do {
            let kept = try StoredMessage(packed: stored.payload)
            self.init(
                message: try Message(packed: kept.message), sequence: stored.sequence, ingestedAt: stored.ingestedAt,
                expiresAt: stored.expiresAt, sentAt: kept.sentAt, sandbox: sandbox, configurationID: kept.configurationID,
                configurationVersion: kept.configurationVersion, contentSHA256: stored.contentSHA256,
                submitter: stored.submitter)
        } catch {
            throw Status(.dataLoss, "the record of sequence \(stored.sequence) cannot be decoded: \(error.message)")
        }
    }
}
