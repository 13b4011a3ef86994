import MessageExportClient
import Model

/// 1,000 connections with 64 messages of 2 KiB in flight each, all the time: 128 MiB of content that its senders would like to be in
/// the daemon at once. What is in it is bounded at 64 MiB, and with what each connection reads, keys of the ids and the batch being
/// written it is expected to stay within 256 MiB.
enum MemoryBench {
    static let connections = 1000
    static let inFlight = 64
    static let rounds = 3

    static func run(_ daemon: BenchDaemon) async throws {
        let idle = daemon.memory.now
        let clock = ContinuousClock()
        let start = clock.now
        let stored = try await withThrowingTaskGroup(of: Int.self) { group in
            for connection in 0..<connections { group.addTask { try await load(daemon, connection) } }
            return try await group.reduce(0, +)
        }
        let time = clock.now - start
        let asked = connections * inFlight * rounds
        print("\(connections) connections x \(inFlight) in flight, 2 KiB: \(stored) of \(asked) stored, all answered, \(time)")
        let memory = daemon.memory
        print(
            "resident memory: idle \(Int(idle)) MiB, peak \(Int(memory.peak)) MiB, after \(Int(memory.now)) MiB (goal: peak <= 256 MiB)"
        )
    }

    private static func load(_ daemon: BenchDaemon, _ connection: Int) async throws -> Int {
        let client = try await BenchDaemon.connect(daemon.socket)
        let stored = try await withThrowingTaskGroup(of: Int.self) { group in
            for lane in 0..<inFlight {
                group.addTask {
                    var stored = 0
                    for round in 0..<rounds {
                        let message = try BenchDaemon.message(
                            "\(connection)-\(lane)-\(round)", configuration: "kept", bytes: 2000)
                        if try await client.ingest(message).outcome == .stored { stored += 1 }
                    }
                    return stored
                }
            }
            return try await group.reduce(0, +)
        }
        await client.close()
        return stored
    }
}
