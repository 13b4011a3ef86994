import Catalog
import Messages
import Model

extension ManagementHandlers {
    func createConfiguration(_ request: CreateConfigurationRequest) async throws(Status) -> ChannelConfiguration {
        try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.createConfiguration(
                sandboxID: sandboxID, name: name, channel: request.channel, messageExport: request.messageExport,
                submit: request.submit)
        }
    }

    func editConfiguration(_ request: EditConfigurationRequest) async throws(Status) -> ChannelConfiguration {
        guard request.messageExport != nil || request.submit else {
            throw Status(.invalidArgument, "nothing is to be changed", hint: "set message_export or submit")
        }
        return try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.editConfiguration(
                sandboxID: sandboxID, name: name, messageExport: request.messageExport, submit: request.submit)
        }
    }

    func submitConfiguration(_ request: NameRequest) async throws(Status) -> ChannelConfiguration {
        try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.submitConfiguration(sandboxID: sandboxID, name: name)
        }
    }

    func deactivateConfiguration(_ request: NameRequest) async throws(Status) -> ChannelConfiguration {
        try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.setConfiguration(sandboxID: sandboxID, name: name, active: false)
        }
    }

    func activateConfiguration(_ request: NameRequest) async throws(Status) -> ChannelConfiguration {
        try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.setConfiguration(sandboxID: sandboxID, name: name, active: true)
        }
    }

    func duplicateConfiguration(_ request: DuplicateConfigurationRequest) async throws(Status) -> ChannelConfiguration {
        let newName = try ResourceName(request.newName, field: "new_name")
        return try await changing(request.sandbox, request.name) { (sandboxID, name) async throws(CatalogError) in
            try await catalog.duplicateConfiguration(sandboxID: sandboxID, name: name, as: newName)
        }
    }

    func getConfiguration(_ request: NameRequest) async throws(Status) -> ChannelConfiguration {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.configuration(sandboxID: sandbox.id, name: name)
        }
    }

    func listConfigurations(_ request: SandboxRequest) async throws(Status) -> ConfigurationList {
        let sandbox = try directory.entry(request.sandbox).sandbox
        return try await unlessCatalogFails { () async throws(CatalogError) in
            ConfigurationList(configurations: try await catalog.configurations(sandboxID: sandbox.id))
        }
    }

    /// Makes a change to a configuration, given its sandbox's id and its name; returns when ingests see it.
    private func changing(
        _ sandbox: String, _ name: String,
        _ change: (String, ResourceName) async throws(CatalogError) -> ChannelConfiguration
    ) async throws(Status) -> ChannelConfiguration {
        let sandbox = try directory.entry(sandbox).sandbox
        let name = try ResourceName(name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let configuration = try await change(sandbox.id, name)
            try await directory.refresh()
            return configuration
        }
    }
}
