import Model

/// A request that works in a sandbox.
package protocol SandboxScoped: WireMessage {
    /// Its name; empty: the default one.
    var sandbox: String { get }
}

/// A request that reads a chain of the audit.
package protocol ChainScoped: SandboxScoped {
    /// Whether it is the organization's, and no sandbox's.
    var organization: Bool { get }
}

extension SandboxRequest: SandboxScoped {}
extension NameRequest: SandboxScoped {}
extension CreateConfigurationRequest: SandboxScoped {}
extension EditConfigurationRequest: SandboxScoped {}
extension DuplicateConfigurationRequest: SandboxScoped {}
extension GetRecordsRequest: SandboxScoped {}
extension PreviewRecordsRequest: SandboxScoped {}
extension RecordQuery.Request: SandboxScoped {}
extension CreateDestinationRequest: SandboxScoped {}
extension EditDestinationRequest: SandboxScoped {}
extension CreateDataflowRequest: SandboxScoped {}
extension EditDataflowRequest: SandboxScoped {}
extension StartRunRequest: SandboxScoped {}
extension ListAlertsRequest: SandboxScoped {}
extension RunRequest: SandboxScoped {}
extension ListRunsRequest: SandboxScoped {}
extension ListAuditEventsRequest: ChainScoped {}
extension VerifyAuditRequest: ChainScoped {}
