import Catalog
import Messages
import Model

extension ManagementHandlers {
    func createConfiguration(_ request: CreateConfigurationRequest, in place: Place) async throws(Status) -> ChannelConfiguration
    {
        let settings = try checked(request.settings).applied(to: ConfigurationSettings())
        return try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.createConfiguration(
                by: place.user, sandboxID: place.sandbox.id, name: name, channel: request.channel, settings: settings,
                submit: request.submit)
        }
    }

    func editConfiguration(_ request: EditConfigurationRequest, in place: Place) async throws(Status) -> ChannelConfiguration {
        guard !request.settings.isEmpty || request.submit else {
            throw Status(.invalidArgument, "nothing is to be changed", hint: "set some of settings, or submit")
        }
        let change = try checked(request.settings)
        return try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.editConfiguration(
                by: place.user, sandboxID: place.sandbox.id, name: name, change: change, submit: request.submit,
                ifVersion: request.ifVersion)
        }
    }

    func submitConfiguration(_ request: NameRequest, in place: Place) async throws(Status) -> ChannelConfiguration {
        try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.submitConfiguration(by: place.user, sandboxID: place.sandbox.id, name: name)
        }
    }

    func deactivateConfiguration(_ request: NameRequest, in place: Place) async throws(Status) -> ChannelConfiguration {
        try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.setConfiguration(by: place.user, sandboxID: place.sandbox.id, name: name, active: false)
        }
    }

    func activateConfiguration(_ request: NameRequest, in place: Place) async throws(Status) -> ChannelConfiguration {
        try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.setConfiguration(by: place.user, sandboxID: place.sandbox.id, name: name, active: true)
        }
    }

    func duplicateConfiguration(
        _ request: DuplicateConfigurationRequest, in place: Place
    ) async throws(Status) -> ChannelConfiguration {
        let newName = try ResourceName(request.newName, field: "new_name")
        return try await changing(place, request.name) { (name) async throws(CatalogError) in
            try await catalog.duplicateConfiguration(by: place.user, sandboxID: place.sandbox.id, name: name, as: newName)
        }
    }

    func getConfiguration(_ request: NameRequest, in place: Place) async throws(Status) -> ChannelConfiguration {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.configuration(sandboxID: place.sandbox.id, name: name)
        }
    }

    func listConfigurations(_ request: SandboxRequest, in place: Place) async throws(Status) -> ConfigurationList {
        try await unlessCatalogFails { () async throws(CatalogError) in
            ConfigurationList(configurations: try await catalog.configurations(sandboxID: place.sandbox.id))
        }
    }

    /// Settings of a size that can be kept; whether they can come into force is for their submission to find.
    private func checked(_ change: ConfigurationChange) throws(Status) -> ConfigurationChange {
        let bytes = CreateConfigurationRequest(sandbox: "", name: "", channel: .email, settings: change, submit: false).packed
            .count
        guard bytes <= Limits.settingsBytes else {
            throw Status(
                .invalidArgument, "the settings have \(bytes) bytes, at most \(Limits.settingsBytes) are kept", field: "settings",
                limit: Limits.settingsBytes)
        }
        return change
    }

    /// Makes a change to a configuration, given its name; returns when ingests see it.
    private func changing(
        _ place: Place, _ name: String, _ change: (ResourceName) async throws(CatalogError) -> ChannelConfiguration
    ) async throws(Status) -> ChannelConfiguration {
        let name = try ResourceName(name)
        let wasOff = directory.snapshot.entries[place.sandbox.name]?.configurations[name.value]?.messageExport == false
        let changed = try await unlessCatalogFails { () async throws(CatalogError) in
            let configuration = try await change(name)
            try await directory.refresh(place.sandbox.id)
            return configuration
        }
        if wasOff, changed.state == .active, changed.messageExport {
            await flags.waitForLeases(of: place.sandbox.name)
        } else {
            flags.tell(watchersOf: place.sandbox.name)
        }
        return changed
    }
}
