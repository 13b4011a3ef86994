import Foundation
import MessageExportClient
import Messages
import Model
import NIOCore
import RPC
import Subprocess
import SystemPackage

/// One connection asks for one thing after the other while another floods the daemon with as much as it takes. The quiet one's p99 is
/// expected to stay within five times of what it is alone: the batch being written, one more with its own record in it, and the turns
/// of the event loop. Rounds alternate, so that the machine's moods hit both.
enum FairnessBench {
    static let rounds = 5
    static let calls = 1000

    static func run(_ daemon: BenchDaemon) async throws {
        var quiet = Latencies()
        var beside = Latencies()
        var ratios: [Double] = []
        for round in 0..<rounds {
            let alone = try measure(daemon, "q\(round)")
            let flooded = try await withFlood(daemon, round) { try measure(daemon, "f\(round)") }
            quiet.all += alone.all
            beside.all += flooded.all
            ratios.append(flooded.quantile(0.99) / alone.quantile(0.99))
        }
        for (name, latencies) in [("alone", quiet), ("beside a flood", beside)] {
            print(
                "one durable ingest after the other, 2 KiB, \(name): p50 \(latencies.quantile(0.5).microseconds) us, p99 \(latencies.quantile(0.99).microseconds) us"
            )
        }
        let spread = ratios.sorted().map { String(Int($0 * 100)) + " %" }.joined(separator: ", ")
        print(
            "p99 beside a flood is \(Int(beside.quantile(0.99) / quiet.quantile(0.99) * 100)) % of p99 alone (rounds: \(spread); goal: <= 500 %)"
        )
    }

    static func measure(_ daemon: BenchDaemon, _ name: String) throws -> Latencies {
        let peer = try BlockingPeer(daemon.socket)
        let method = MethodName.ingest
        let clock = ContinuousClock()
        var latencies = Latencies()
        for index in 0..<calls {
            let message = try BenchDaemon.message("\(name)-\(index)", configuration: "kept", bytes: 2000)
            let request = RequestEnvelope(
                service: method.service, method: method.method, payload: IngestRequest(sandbox: "", messages: [message]).packed)
            var buffer = ByteBuffer()
            Frame(streamID: UInt32(index) * 2 + 1, kind: .request, data: request.packed).write(into: &buffer)
            let start = clock.now
            guard peer.send(buffer) else { throw Status(.unavailable, "the daemon is gone") }
            let answer = try peer.receive()
            latencies.all.append(clock.now - start)
            guard case .success(let payload) = try ResponseEnvelope(packed: answer.data),
                try IngestResponse(packed: payload).results.first?.get().outcome == .stored
            else { throw Status(.internal, "it was not stored") }
        }
        return latencies
    }

    /// Runs `body` while another process sends all that the daemon takes.
    private static func withFlood<Value: Sendable>(
        _ daemon: BenchDaemon, _ round: Int, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let client = try await BenchDaemon.connect(daemon.socket)
        let program = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let value = try await Subprocess.run(
            .path(program), arguments: ["flood", daemon.socket, "flood-\(round)"], input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            let start = try await client.dataset().records
            // Under way.
            while try await client.dataset().records < start + 1000 { try await Task.sleep(for: .milliseconds(5)) }
            let (before, clock) = (try await client.dataset().records, ContinuousClock.now)
            let value = try await body()
            let rate = Double(try await client.dataset().records - before) / ((ContinuousClock.now - clock) / .seconds(1))
            print("  beside the flood of round \(round): \(Int(rate)) records of 2 KiB a second")
            try execution.send(signal: .kill)
            return value
        }.closureResult
        await client.close()
        return value
    }
}
