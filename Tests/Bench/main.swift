import Foundation
import Glibc
import Model
import SystemPackage
import TestSupport

// Bench NAME PROGRAMS RESULTS [BASE]: measures a built daemon from outside, and puts what it found into a folder. `make bench` builds for
// release and runs all of it.

signal(SIGPIPE, SIG_IGN)
let arguments = Array(CommandLine.arguments.dropFirst())
do {
    switch (arguments.first, arguments.count) {
    case ("load", 2): try Load.work(arguments[1])
    case ("flood", 3): try Flood.run(arguments[1], arguments[2])
    case ("cost", 3): try await SenderBench.send(arguments[1], Int(arguments[2]) ?? 0)
    case ("encode", 4): try CountBench.encode(arguments[1], arguments[2], Int(arguments[3]) ?? 0)
    case ("single", 4):
        _ = try Single(arguments[1], corpus: .receipt, isKept: true).times(arguments[2], count: Int(arguments[3]) ?? 0)
    case (let name?, 3...4):
        let base = arguments.count == 4 ? FilePath(arguments[3]) : nil
        try await measure(name, FilePath(arguments[1]), base: base, Results(folder: FilePath(arguments[2])))
    default:
        print(
            "usage: Bench ingest|disabled|export|store|start|memory|growth|count|fairness|delivery|sender PROGRAMS RESULTS [BASE]"
        )
        exit(2)
    }
} catch {
    print("failed: \(error)")
    exit(1)
}

func measure(_ name: String, _ programs: FilePath, base: FilePath?, _ results: Results) async throws {
    switch name {
    case "ingest": try await IngestBench.run(programs, base: base, results)
    case "disabled": try await DisabledBench.run(programs, base: base, results)
    case "export": try await ExportBench.run(programs, base: base, results)
    case "store": try await StoreBench.run(results)
    case "start": try await StartBench.run(programs, results)
    case "memory": try await MemoryBench.run(programs, results)
    case "growth": try await GrowthBench.run(programs, results)
    case "fairness":
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder) { try await FairnessBench.run($0, results) }
        }
    case "count": try await CountBench.run(programs, results)
    case "delivery": try await DeliveryBench.run(programs)
    case "sender": try await SenderBench.run(programs)
    default: throw Status(.notFound, "there is no bench \(name)")
    }
}
