import Catalog
import Messages
import Model

extension ManagementHandlers {
    func createDataflow(_ request: CreateDataflowRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDataflow(
                by: place.user, sandboxID: place.sandbox.id, name: name, destination: request.destination, format: request.format,
                compression: request.compression ?? request.format.defaultCompression, includeRaw: request.includeRaw)
        }
    }

    func getDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.dataflow(sandboxID: place.sandbox.id, name: name)
        }
    }

    func listDataflows(_ request: SandboxRequest, in place: Place) async throws(Status) -> DataflowList {
        return try await unlessCatalogFails { () async throws(CatalogError) in
            DataflowList(dataflows: try await catalog.dataflows(sandboxID: place.sandbox.id))
        }
    }

    func deleteDataflow(_ request: NameRequest, in place: Place) async throws(Status) -> Dataflow {
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDataflow(by: place.user, sandboxID: place.sandbox.id, name: name)
        }
    }

    func startRun(_ request: StartRunRequest, in place: Place) async throws(Status) -> Run {
        try await exports.start(dataflow: request.dataflow, in: place)
    }

    func waitRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        // A run that does not exist is refused before it is waited for.
        let run = try await getRun(request, in: place)
        await exports.waitForEnd(of: run.id)
        return try await getRun(request, in: place)
    }

    func getRun(_ request: RunRequest, in place: Place) async throws(Status) -> Run {
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.run(sandboxID: place.sandbox.id, id: request.runID)
        }
    }

    func listRuns(_ request: ListRunsRequest, in place: Place) async throws(Status) -> RunList {
        let limit = try limit(request.limit, otherwise: Limits.runsListedDefault, atMost: Limits.runsListed)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let dataflow = request.dataflow.isEmpty ? nil : request.dataflow
            return RunList(runs: try await catalog.runs(sandboxID: place.sandbox.id, dataflow: dataflow, limit: limit))
        }
    }
}
