import Disk
import Messages
import Model
import RPC

/// Who serves what, and who may call it.
extension DaemonProcess {
    static func methods(
        _ ingester: Ingester, _ spool: SpoolGate, _ flags: FlagService, _ health: HealthService,
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [Method] {
        let served = ingestion(ingester, spool, flags, management)
            .merging(openToAll(health, handlers, management)) { first, _ in first }
            .merging(sandboxed(handlers, management)) { first, _ in first }
            .merging(organizational(handlers, management)) { first, _ in first }
        return ServiceDescriptors.builtIn.methods.values.map { method in
            guard let handler = served[method.name] else { preconditionFailure("\(method.name) has no handler") }
            return Method(method, handler)
        }
    }

    /// Who may ingest is decided for each message.
    private static func ingestion(
        _ ingester: Ingester, _ spool: SpoolGate, _ flags: FlagService, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        let chunkMemory = Allowance(limit: Limits.chunkedBytes, share: Limits.chunkedBytesPerConnection)
        let chunkQueue = DiskQueue("chunked")
        return [
            .ingest: .single(IngestHandler(ingester: ingester).serve),
            .watchConfigurations: .single(flags.watch),
            .ingestStream: .stream { IngestStreamHandler($0, ingester) },
            .ingestChunks: .stream { IngestChunksHandler($0, ingester, chunkMemory, chunkQueue) },
            .ingestSealed: .stream { IngestChunksHandler($0, ingester, chunkMemory, chunkQueue, spool: spool) },
            .getSpoolKey: management.sandboxed(.ingest, spool.key),
        ]
    }

    private static func openToAll(
        _ health: HealthService, _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .reflect: .stream { ReflectionHandler($0) },
            .watchHealth: .single(health.watch),
            .checkHealth: management.open(health.check),
            .listSandboxes: management.open(handlers.listSandboxes),
        ]
    }

    private static func sandboxed(
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .createConfiguration: management.sandboxed(.change, handlers.createConfiguration),
            .editConfiguration: management.sandboxed(.change, handlers.editConfiguration),
            .submitConfiguration: management.sandboxed(.change, handlers.submitConfiguration),
            .deactivateConfiguration: management.sandboxed(.change, handlers.deactivateConfiguration),
            .activateConfiguration: management.sandboxed(.change, handlers.activateConfiguration),
            .duplicateConfiguration: management.sandboxed(.change, handlers.duplicateConfiguration),
            .getConfiguration: management.sandboxed(.view, handlers.getConfiguration),
            .listConfigurations: management.sandboxed(.view, handlers.listConfigurations),
            .readRecords: management.streaming(.read, handlers.readRecords),
            .previewRecords: management.streaming(.read, handlers.previewRecords),
            .getRecords: management.sandboxed(.read, handlers.getRecords),
            .queryRecords: management.streaming(.read, handlers.queryRecords),
            .tailRecords: management.streaming(.read, handlers.tailRecords),
            .verifyDataset: management.streaming(.view, handlers.verifyDataset),
            .getDataset: management.sandboxed(.view, handlers.getDataset),
            .createDestination: management.waiting(.change, handlers.createDestination),
            .getDestination: management.sandboxed(.view, handlers.getDestination),
            .listDestinations: management.sandboxed(.view, handlers.listDestinations),
            .testDestination: management.waiting(.change, handlers.testDestination),
            .editDestination: management.waiting(.change, handlers.editDestination),
            .deleteDestination: management.sandboxed(.change, handlers.deleteDestination),
            .createDataflow: management.sandboxed(.change, handlers.createDataflow),
            .getDataflow: management.sandboxed(.view, handlers.getDataflow),
            .listDataflows: management.sandboxed(.view, handlers.listDataflows),
            .editDataflow: management.sandboxed(.change, handlers.editDataflow),
            .enableDataflow: management.sandboxed(.change, handlers.enableDataflow),
            .disableDataflow: management.sandboxed(.change, handlers.disableDataflow),
            .deleteDataflow: management.sandboxed(.change, handlers.deleteDataflow),
            .startRun: management.sandboxed(.change, handlers.startRun),
            .waitRun: management.waiting(.view, handlers.waitRun),
            .watchRun: management.streaming(.view, handlers.watchRun),
            .retryRun: management.sandboxed(.change, handlers.retryRun),
            .cancelRun: management.waiting(.change, handlers.cancelRun),
            .listAlerts: management.sandboxed(.view, handlers.listAlerts),
            .getRun: management.sandboxed(.view, handlers.getRun),
            .listRuns: management.sandboxed(.view, handlers.listRuns),
            .getSandbox: management.sandboxed(.view, handlers.getSandbox),
            .getStatus: management.sandboxed(.view, handlers.getStatus),
            .listAuditEvents: management.auditStreaming(handlers.listAuditEvents),
            .verifyAudit: management.auditing(handlers.verifyAudit),
        ]
    }

    private static func organizational(
        _ handlers: ManagementHandlers, _ management: ManagementService
    ) -> [MethodName: MethodHandler] {
        [
            .createSandbox: management.organizational(.administer, handlers.createSandbox),
            .editSandbox: management.organizational(.administer, handlers.editSandbox),
            .resetSandbox: management.organizational(.administer, handlers.resetSandbox),
            .deleteSandbox: management.organizational(.administer, handlers.deleteSandbox),
            .eraseRecords: management.organizationalWaiting(.administer, handlers.eraseRecords),
            .compactDataset: management.organizationalWaiting(.administer, handlers.compactDataset),
            .createGrant: management.organizational(.administer, handlers.createGrant),
            .deleteGrant: management.organizational(.administer, handlers.deleteGrant),
            .listGrants: management.organizational(.administer, handlers.listGrants),
            .getOrganization: management.organizational(.administer, handlers.getOrganization),
            .editOrganization: management.organizational(.administer, handlers.editOrganization),
            .listApprovals: management.organizational(.administer, handlers.listApprovals),
            .createApproval: management.organizationalWaiting(.administer, handlers.createApproval),
            .deleteApproval: management.organizational(.administer, handlers.deleteApproval),
            .getMetrics: management.organizational(.administer, handlers.getMetrics),
            .getTime: management.organizational(.administer, handlers.getTime),
            .confirmTime: management.organizational(.administer, handlers.confirmTime),
        ]
    }
}
