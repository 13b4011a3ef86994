/// A method by the names it has on the wire.
package struct MethodName: Hashable, Sendable, CustomStringConvertible {
    package let service: String
    package let method: String

    package init(service: String, method: String) {
        self.service = service
        self.method = method
    }

    package var description: String { "\(service)/\(method)" }

    package static let ingest = ours("IngestionService", "Ingest")
    package static let createConfiguration = ours("ConfigurationService", "CreateConfiguration")
    package static let submitConfiguration = ours("ConfigurationService", "SubmitConfiguration")
    package static let getRecords = ours("DatasetService", "GetRecords")
    package static let createDestination = ours("DestinationService", "CreateDestination")
    package static let createDataflow = ours("DataflowService", "CreateDataflow")
    package static let startRun = ours("DataflowService", "StartRun")
    package static let waitRun = ours("DataflowService", "WaitRun")
    package static let getStatus = ours("AdministrationService", "GetStatus")

    /// Every method of this product.
    package static let all: [MethodName] = [
        .ingest, .createConfiguration, .submitConfiguration, .getRecords, .createDestination, .createDataflow, .startRun,
        .waitRun,
        .getStatus,
    ]

    private static func ours(_ service: String, _ method: String) -> MethodName {
        MethodName(service: "messageexport.v1.\(service)", method: method)
    }
}
