import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// A start after SIGKILL with 10 GB of records: until it serves, and until it has stored a message.
enum StartBench {
    static func run(_ programs: FilePath, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            try await BenchDaemon.with(programs: programs, in: folder, ending: .kill) { daemon in
                try await Promises.require(daemon, folder)
                _ = try await Load.run(
                    Load.Order(socket: daemon.socket, name: "fill") {
                        $0.corpus = .noise
                        $0.count = 5_000_000
                    })
            }
            let gigabytes = Double(try bytes(in: folder.appending("data").appending("datasets"))) / 1e9
            guard gigabytes > 10 else { throw Promises.Broken(description: "\(gigabytes) GB are no 10 GB") }
            var times: [(serving: Double, storing: Double)] = []
            for round in 0..<Comparison.rounds { times.append(try await start(programs, folder, round)) }
            for (what, values) in [("serves", times.map(\.serving)), ("has stored a message", times.map(\.storing))] {
                try results.add(
                    Figure(
                        goal: "P7", title: "start after SIGKILL with over 10 GB, until it \(what)", unit: "ms",
                        better: .less, ours: values, bound: 1000))
            }
        }
    }

    /// Milliseconds.
    private static func start(
        _ programs: FilePath, _ folder: FilePath, _ round: Int
    ) async throws -> (serving: Double, storing: Double) {
        let start = nanoseconds()
        return try await BenchDaemon.with(programs: programs, in: folder, isPrepared: false, ending: .kill) { daemon in
            let serving = nanoseconds()
            _ = try Single(daemon.socket, corpus: .receipt, isKept: true).times("start-\(round)", count: 1)
            let storing = nanoseconds()
            // So that there is something to look for after the kill.
            _ = try await Load.run(Load.Order(socket: daemon.socket, name: "again-\(round)") { $0.count = 20_000 })
            return (Double(serving - start) / 1e6, Double(storing - start) / 1e6)
        }
    }

    /// Of all files in a folder.
    static func bytes(in folder: FilePath) throws -> UInt64 {
        try FileManager.default.subpathsOfDirectory(atPath: folder.string).reduce(0) { sum, path in
            let attributes = try? FileManager.default.attributesOfItem(atPath: folder.appending(path).string)
            return sum + (attributes?[.type] as? FileAttributeType == .typeRegular ? (attributes?[.size] as? UInt64 ?? 0) : 0)
        }
    }
}
