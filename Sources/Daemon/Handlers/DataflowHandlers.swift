import Catalog
import Messages
import Model

extension ManagementHandlers {
    func createDataflow(_ request: CreateDataflowRequest) async throws(Status) -> Dataflow {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.createDataflow(
                sandboxID: sandbox.id, name: name, destination: request.destination, format: request.format,
                compression: request.compression ?? .gzip, includeRaw: request.includeRaw)
        }
    }

    func getDataflow(_ request: NameRequest) async throws(Status) -> Dataflow {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.dataflow(sandboxID: sandbox.id, name: name)
        }
    }

    func listDataflows(_ request: SandboxRequest) async throws(Status) -> DataflowList {
        let sandbox = try directory.entry(request.sandbox).sandbox
        return try await unlessCatalogFails { () async throws(CatalogError) in
            DataflowList(dataflows: try await catalog.dataflows(sandboxID: sandbox.id))
        }
    }

    func deleteDataflow(_ request: NameRequest) async throws(Status) -> Dataflow {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let name = try ResourceName(request.name)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.deleteDataflow(sandboxID: sandbox.id, name: name)
        }
    }

    func startRun(_ request: StartRunRequest) async throws(Status) -> Run {
        try await exports.start(dataflow: request.dataflow, of: try directory.entry(request.sandbox))
    }

    func waitRun(_ request: RunRequest) async throws(Status) -> Run {
        // A run that does not exist is refused before it is waited for.
        let run = try await getRun(request)
        await exports.waitForEnd(of: run.id)
        return try await getRun(request)
    }

    func getRun(_ request: RunRequest) async throws(Status) -> Run {
        let sandbox = try directory.entry(request.sandbox).sandbox
        return try await unlessCatalogFails { () async throws(CatalogError) in
            try await catalog.run(sandboxID: sandbox.id, id: request.runID)
        }
    }

    func listRuns(_ request: ListRunsRequest) async throws(Status) -> RunList {
        let sandbox = try directory.entry(request.sandbox).sandbox
        let limit = try limit(request.limit, otherwise: Limits.runsListedDefault, atMost: Limits.runsListed)
        return try await unlessCatalogFails { () async throws(CatalogError) in
            let dataflow = request.dataflow.isEmpty ? nil : request.dataflow
            return RunList(runs: try await catalog.runs(sandboxID: sandbox.id, dataflow: dataflow, limit: limit))
        }
    }
}
