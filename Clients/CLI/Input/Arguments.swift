public import ArgumentParser
public import Model

// The product's own words are arguments as they are spelt.

extension Channel: ExpressibleByArgument {}
extension Format: ExpressibleByArgument {}
extension Compression: ExpressibleByArgument {}
extension ExportMode: ExpressibleByArgument {}
extension ConfigurationSettings.Purpose: ExpressibleByArgument {}
extension Sandbox.Kind: ExpressibleByArgument {}
extension DestinationType: ExpressibleByArgument {}
extension Approval.Kind: ExpressibleByArgument {}
extension Role: ExpressibleByArgument {}
extension AuditEvent.Action: ExpressibleByArgument {}
extension AuditEvent.Outcome: ExpressibleByArgument {}
