import Foundation
import Glibc
import Model
import SystemPackage

// Bench NAME PROGRAMS: measures a built daemon from outside. `make bench` builds for release and runs all of it.

signal(SIGPIPE, SIG_IGN)
let arguments = CommandLine.arguments
if arguments.count == 4, arguments[1] == "flood" { try Flood.run(arguments[2], arguments[3]) }
guard arguments.count == 3, let run = ["memory": MemoryBench.run, "fairness": FairnessBench.run][arguments[1]] else {
    print("usage: Bench memory|fairness FOLDER-OF-PROGRAMS")
    exit(2)
}
do {
    try await BenchDaemon.with(programs: FilePath(arguments[2])) { try await run($0) }
} catch {
    print("failed: \(error)")
    exit(1)
}
