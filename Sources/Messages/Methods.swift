/// A method by the names it has on the wire; what each does is in the `.proto`.
package struct MethodName: Hashable, Sendable, CustomStringConvertible {
    package let service: String
    package let method: String

    package init(service: String, method: String) {
        self.service = service
        self.method = method
    }

    package var description: String { "\(service)/\(method)" }

    package static let ingest = ours("IngestionService", "Ingest")
    package static let ingestStream = ours("IngestionService", "IngestStream")
    package static let ingestChunks = ours("IngestionService", "IngestChunks")
    package static let getSpoolKey = ours("IngestionService", "GetSpoolKey")
    package static let ingestSealed = ours("IngestionService", "IngestSealed")
    package static let createConfiguration = ours("ConfigurationService", "CreateConfiguration")
    package static let editConfiguration = ours("ConfigurationService", "EditConfiguration")
    package static let submitConfiguration = ours("ConfigurationService", "SubmitConfiguration")
    package static let deactivateConfiguration = ours("ConfigurationService", "DeactivateConfiguration")
    package static let activateConfiguration = ours("ConfigurationService", "ActivateConfiguration")
    package static let duplicateConfiguration = ours("ConfigurationService", "DuplicateConfiguration")
    package static let getConfiguration = ours("ConfigurationService", "GetConfiguration")
    package static let listConfigurations = ours("ConfigurationService", "ListConfigurations")
    package static let watchConfigurations = ours("ConfigurationService", "WatchConfigurations")
    package static let getRecords = ours("DatasetService", "GetRecords")
    package static let readRecords = ours("DatasetService", "ReadRecords")
    package static let previewRecords = ours("DatasetService", "PreviewRecords")
    package static let queryRecords = ours("DatasetService", "QueryRecords")
    package static let tailRecords = ours("DatasetService", "TailRecords")
    package static let eraseRecords = ours("DatasetService", "EraseRecords")
    package static let compactDataset = ours("DatasetService", "CompactDataset")
    package static let verifyDataset = ours("DatasetService", "VerifyDataset")
    package static let getDataset = ours("DatasetService", "GetDataset")
    package static let createDestination = ours("DestinationService", "CreateDestination")
    package static let getDestination = ours("DestinationService", "GetDestination")
    package static let listDestinations = ours("DestinationService", "ListDestinations")
    package static let editDestination = ours("DestinationService", "EditDestination")
    package static let testDestination = ours("DestinationService", "TestDestination")
    package static let deleteDestination = ours("DestinationService", "DeleteDestination")
    package static let createDataflow = ours("DataflowService", "CreateDataflow")
    package static let getDataflow = ours("DataflowService", "GetDataflow")
    package static let listDataflows = ours("DataflowService", "ListDataflows")
    package static let editDataflow = ours("DataflowService", "EditDataflow")
    package static let enableDataflow = ours("DataflowService", "EnableDataflow")
    package static let disableDataflow = ours("DataflowService", "DisableDataflow")
    package static let deleteDataflow = ours("DataflowService", "DeleteDataflow")
    package static let startRun = ours("DataflowService", "StartRun")
    package static let waitRun = ours("DataflowService", "WaitRun")
    package static let watchRun = ours("DataflowService", "WatchRun")
    package static let retryRun = ours("DataflowService", "RetryRun")
    package static let cancelRun = ours("DataflowService", "CancelRun")
    package static let listAlerts = ours("DataflowService", "ListAlerts")
    package static let getRun = ours("DataflowService", "GetRun")
    package static let listRuns = ours("DataflowService", "ListRuns")
    package static let createGrant = ours("AccessService", "CreateGrant")
    package static let deleteGrant = ours("AccessService", "DeleteGrant")
    package static let listGrants = ours("AccessService", "ListGrants")
    package static let createSandbox = ours("SandboxService", "CreateSandbox")
    package static let editSandbox = ours("SandboxService", "EditSandbox")
    package static let resetSandbox = ours("SandboxService", "ResetSandbox")
    package static let deleteSandbox = ours("SandboxService", "DeleteSandbox")
    package static let getSandbox = ours("SandboxService", "GetSandbox")
    package static let listSandboxes = ours("SandboxService", "ListSandboxes")
    package static let listAuditEvents = ours("AuditService", "ListAuditEvents")
    package static let verifyAudit = ours("AuditService", "VerifyAudit")
    package static let getOrganization = ours("AdministrationService", "GetOrganization")
    package static let editOrganization = ours("AdministrationService", "EditOrganization")
    package static let listApprovals = ours("AdministrationService", "ListApprovals")
    package static let createApproval = ours("AdministrationService", "CreateApproval")
    package static let deleteApproval = ours("AdministrationService", "DeleteApproval")
    package static let getMetrics = ours("AdministrationService", "GetMetrics")
    package static let getTime = ours("AdministrationService", "GetTime")
    package static let confirmTime = ours("AdministrationService", "ConfirmTime")
    package static let getStatus = ours("AdministrationService", "GetStatus")
    package static let checkHealth = MethodName(service: "grpc.health.v1.Health", method: "Check")
    package static let watchHealth = MethodName(service: "grpc.health.v1.Health", method: "Watch")
    package static let reflect = MethodName(service: "grpc.reflection.v1.ServerReflection", method: "ServerReflectionInfo")

    /// Every method of this product.
    package static var all: some Collection<MethodName> { ServiceDescriptors.builtIn.methods.keys }

    /// What the `.proto` files say of it.
    /// - Precondition: it is one of `all`.
    package var described: MethodDescription {
        guard let description = ServiceDescriptors.builtIn.methods[self] else {
            preconditionFailure("\(self) is in no .proto file")
        }
        return description
    }

    private static func ours(_ service: String, _ method: String) -> MethodName {
        MethodName(service: "messageexport.v1.\(service)", method: method)
    }
}
