import Foundation
import Glibc
import Model
import SystemPackage
import TestSupport

// Bench NAME PROGRAMS: measures a built daemon from outside. `make bench` builds for release and runs all of it.

signal(SIGPIPE, SIG_IGN)
let arguments = CommandLine.arguments
if arguments.count > 1, arguments[1] == "load", let order = Load.Order(Array(arguments.dropFirst())) {
    do { try Load.run(order) } catch {
        print("failed: \(error)")
        exit(1)
    }
    exit(0)
}
if arguments.count == 4, arguments[1] == "cost", let count = Int(arguments[3]) {
    do { try await SenderBench.send(arguments[2], count) } catch {
        print("failed: \(error)")
        exit(1)
    }
    exit(0)
}
if arguments.count == 4, arguments[1] == "flood" { try Flood.run(arguments[2], arguments[3]) }
guard arguments.count == 3 else {
    print("usage: Bench memory|fairness|governance|ingest|growth|start|store|export|delivery|sender FOLDER-OF-PROGRAMS")
    exit(2)
}
let programs = FilePath(arguments[2])
do {
    switch arguments[1] {
    case "memory": try await withDaemon(MemoryBench.run)
    case "fairness": try await withDaemon(FairnessBench.run)
    case "ingest": try await IngestBench.run(programs)
    case "growth": try await GrowthBench.run(programs, millions: 20, bytes: 100)
    case "start": try await GrowthBench.run(programs, millions: 5, bytes: 2000)
    case "export": try await ExportBench.run(programs)
    case "delivery": try await DeliveryBench.run(programs)
    case "sender": try await SenderBench.run(programs)
    case "store": try await StoreBench.run()
    case "governance": try await GovernanceBench.run(programs)
    default:
        print("there is no bench \(arguments[1])")
        exit(2)
    }
} catch {
    print("failed: \(error)")
    exit(1)
}

func withDaemon(_ run: @escaping @Sendable (BenchDaemon) async throws -> Void) async throws {
    try await withTemporaryFolder { folder in
        try await BenchDaemon.with(programs: FilePath(CommandLine.arguments[2]), in: folder) { try await run($0) }
    }
}
