import Foundation
import MessageExportClient
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Kills the real daemon under load, again and again, on the same data.
@Suite struct KillTests {
    /// `make crash` asks for more.
    static let kills = ProcessInfo.processInfo.environment["KILLS"].flatMap { Int($0) } ?? 50
    private static let clients = 4
    private static let inFlight = 16

    /// What clients sent and what they were answered, over all rounds.
    final class Ledger: Sendable {
        private struct State {
            var sent: Set<String> = []
            var acknowledged: Set<String> = []
            var open: [String] = []
            var killAt = 0
            var isPaused = false
        }

        private let state = Mutex(State())

        /// The next message to send: one whose answer is not known yet, else a new one.
        func next() -> String {
            state.withLock { state in
                let id = state.open.popLast() ?? "m\(state.sent.count)"
                state.sent.insert(id)
                return id
            }
        }

        /// Lets `acknowledge` say when so many more are acknowledged.
        func killAfter(_ more: Int) {
            state.withLock { $0.killAt = $0.acknowledged.count + more }
        }

        /// Whether nothing more is sent, though nobody has been killed.
        var isPaused: Bool {
            get { state.withLock { $0.isPaused } }
            set { state.withLock { $0.isPaused = newValue } }
        }

        /// Returns true once: when it is time to kill.
        func acknowledge(_ id: String) -> Bool {
            state.withLock { state in
                state.acknowledged.insert(id)
                guard state.acknowledged.count >= state.killAt else { return false }
                state.killAt = .max
                return true
            }
        }

        /// No answer came: the message may be stored or not.
        func leaveOpen(_ id: String) {
            state.withLock { $0.open.append(id) }
        }

        var acknowledged: Set<String> { state.withLock { $0.acknowledged } }
        var sent: Set<String> { state.withLock { $0.sent } }
    }

    private static func text(_ id: String) -> String { "content of \(id) " + String(repeating: id, count: 50) }

    func load(_ socket: String, _ ledger: Ledger, kill: @escaping @Sendable () async throws -> Void) async throws {
        var clients: [MessageExportClient] = []
        for _ in 0..<Self.clients { clients.append(try await MessageExportClient.connect(socket: socket, retryTime: .zero)) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for client in clients {
                for _ in 0..<Self.inFlight {
                    group.addTask {
                        while !ledger.isPaused {
                            let id = ledger.next()
                            let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: Self.text(id))
                            do {
                                let message = Message(id: try MessageID(id), configuration: "sms", content: .sms(sms))
                                let result = try await client.ingest(message)
                                #expect([.stored, .duplicate].contains(result.outcome))
                                if ledger.acknowledge(id) { try await kill() }
                            } catch let status as Status {
                                #expect(status.code == .unavailable, "\(status)")
                                ledger.leaveOpen(id)
                                return
                            }
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Waits for the run that was cut off, if there is one, and exports what came after it.
    static func exportRest(of dataflow: String, _ client: MessageExportClient) async throws -> Run {
        while true {
            for run in try await client.runs(dataflow: dataflow) where !run.state.isFinal {
                var run = run
                // Between the start and its being taken up nobody is at it.
                while !run.state.isFinal { run = try await client.waitRun(id: run.id) }
                #expect(run.state == .success, "\(run)")
            }
            // Refused when one that was due has begun meanwhile.
            guard let started = try? await client.startRun(dataflow: dataflow) else { continue }
            return try await client.waitRun(id: started.id)
        }
    }

    @Test func `after many kills under load, what was acknowledged is found, what is found was sent, and nothing twice`()
        async throws
    {
        let seed = testSeed()
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            _ = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                _ = try await client.createConfiguration(
                    name: "sms", channel: .sms, settings: ConfigurationSettings(messageExport: true), submit: true)
                _ = try await client.createDestination(name: "d", settings: .local(path: archive.string))
                _ = try await client.createDataflow(
                    name: "f", format: .json,
                    settings: DataflowSettings(destination: "d", compression: .none, schedule: Schedule(.manual)))
                await client.close()
            }
            let ledger = Ledger()
            var generator = SeededGenerator(seed: seed)
            for round in 0..<Self.kills {
                let more = Int.random(in: 1...120, using: &generator)
                let exports = round % 5 == 4
                let ended = try await fixture.withDaemon { daemon in
                    if exports {
                        // The kill may also come while a run is under way.
                        let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                        // Refused where the one that was cut off goes on.
                        _ = try? await client.startRun(dataflow: "f")
                    }
                    ledger.killAfter(more)
                    try await load(daemon.socket, ledger) { try daemon.kill() }
                }
                #expect(ended.code == 128 + 9, "round \(round), SEED=\(seed)")
            }
            // All retained, by a new dataflow from the start; the other one's runs count once all the same.
            let whole = folder.appending("whole")
            try FileManager.default.createDirectory(atPath: whole.string, withIntermediateDirectories: false)
            _ = try await fixture.withDaemon { daemon in
                let client = try await MessageExportClient.connect(socket: daemon.socket, retryTime: .zero)
                _ = try await client.createDestination(name: "whole", settings: .local(path: whole.string))
                _ = try await client.createDataflow(
                    name: "whole", format: .json,
                    settings: DataflowSettings(destination: "whole", compression: .none, schedule: Schedule(.manual)))
                for dataflow in ["whole", "f"] {
                    let run = try await Self.exportRest(of: dataflow, client)
                    #expect(run.state == .success, "\(run)")
                }
                // A kill may cut the batch that was being written, and nothing else.
                let reports = try await client.status().recoveryReports
                #expect(reports.allSatisfy { $0.contains("possibly acknowledged") }, "\(reports)")
                await client.close()
            }
            for (name, exported) in [("whole", whole), ("in parts", archive)] {
                let found = try exportedIDs(in: exported)
                #expect(found.count == Set(found).count, "\(name): something twice, SEED=\(seed)")
                #expect(
                    ledger.acknowledged.isSubset(of: found),
                    "\(name): lost \(ledger.acknowledged.subtracting(found).count), SEED=\(seed)")
                #expect(Set(found).isSubset(of: ledger.sent), "\(name): never sent, SEED=\(seed)")
            }
            #expect(ledger.acknowledged.count > Self.kills)
        }
    }

    /// The ids of all rows that a manifest vouches for; each row must hold what was sent under its id.
    private func exportedIDs(in folder: FilePath) throws -> [String] {
        var ids: [String] = []
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder.string) where name.contains("manifest-") {
            let manifest = try json(Data(contentsOf: URL(filePath: folder.appending(name).string)))
            for file in manifest["exportResults"] as? [[String: Any]] ?? [] {
                let part = folder.appending(name).removingLastComponent().appending(try #require(file["name"] as? String))
                for line in try Data(contentsOf: URL(filePath: part.string)).split(separator: UInt8(ascii: "\n")) {
                    let id = try #require(try json(line)["_id"] as? String)
                    #expect(String(decoding: line, as: UTF8.self).contains(Self.text(id)))
                    ids.append(id)
                }
            }
        }
        return ids
    }

    private func json(_ data: Data) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    }
}
