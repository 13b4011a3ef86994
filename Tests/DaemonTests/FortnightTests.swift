import Catalog
import Dataset
import Foundation
import Formats
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Daemon

/// Two weeks of a daemon whose destinations, and itself, are away for days: what is exported, what expires, and whether it is told.
@Suite struct FortnightTests {
    /// A time in which something is away, in hours since the start.
    private typealias Outage = Range<Double>

    private struct Plan {
        /// Of the daemon.
        var daemon: [Outage]
        /// Of the destinations, by the dataflow's name.
        var destinations: [String: [Outage]]

        func isDaemonAway(_ hour: Double) -> Bool { daemon.contains { $0.contains(hour) } }
        func isAway(_ dataflow: String, _ hour: Double) -> Bool { destinations[dataflow]?.contains { $0.contains(hour) } == true }
    }

    private struct Stored {
        let sequence: UInt64
        let hour: Double
        let expiresAt: Instant
    }

    private static let start = Instant(milliseconds: 1_792_195_200_000)
    private static let schedules: [(name: String, schedule: Schedule, format: Format, gapHours: Double)] = [
        ("quarter", Schedule(.every(minutes: 15)), .json, 0.25), ("six", Schedule(.every(minutes: 360)), .parquet, 6),
        // 25 October 2026 has half past two twice in Berlin.
        ("daily", Schedule(.daily(minute: 150)), .json, 25),
    ]
    private static let stepMinutes: Int64 = 5
    private static let hours = 14 * 24.0

    @Test func `a fortnight with outages of a destination to 60 hours and of the daemon to 20 loses nothing`() async throws {
        let plan = Plan(
            daemon: [50.1..<70.1, 200.2..<219.9],
            destinations: [
                "quarter": [100..<160, 250..<290], "six": [90..<150, 220.5..<270], "daily": [96.5..<156.5, 240..<299],
            ])
        let lost = try await live(plan)
        #expect(lost.allSatisfy { $0.value == 0 }, "\(lost)")
    }

    @Test func `what expires while its destination is away for longer is counted and audited to the record`() async throws {
        let plan = Plan(
            daemon: [120..<140], destinations: ["quarter": [60..<160], "six": [30..<140, 230..<335], "daily": [100..<210]])
        let lost = try await live(plan)
        #expect(lost.allSatisfy { $0.value > 0 }, "\(lost)")
    }

    /// Lives two weeks, and checks what every dataflow has to show for them.
    /// - Returns: the records that expired unexported, by dataflow.
    private func live(_ plan: Plan) async throws -> [String: UInt64] {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        return try await withTemporaryFolder { folder in
            let fixture = ExportFixture(folder, time: ManualTime(Self.start), zone: try Zone("Europe/Berlin"))
            var running = try await fixture.start()
            for one in Self.schedules {
                try await running.createDataflow(one.name, one.schedule, format: one.format, files: fixture.files)
            }
            var stored: [Stored] = []
            for step in 0..<Int(Self.hours) * 60 / Int(Self.stepMinutes) {
                fixture.time.advance(milliseconds: Self.stepMinutes * 60_000)
                let hour = Double(step + 1) * Double(Self.stepMinutes) / 60
                if plan.isDaemonAway(hour) {
                    try await fixture.stop()
                    continue
                }
                if fixture.running == nil { running = try await fixture.start() }
                for one in Self.schedules { fixture.files.set(FilePath("/out/\(one.name)"), isAway: plan.isAway(one.name, hour)) }
                if Int.random(in: 0..<8, using: &generator) == 0 {
                    let (sequence, expiresAt) = try await running.ingest("r-\(step)")
                    stored.append(Stored(sequence: sequence, hour: hour, expiresAt: expiresAt))
                }
                await running.passTime()
                if step % 48 == 0 { await running.backlog.look() }
            }
            var lost: [String: UInt64] = [:]
            for one in Self.schedules {
                lost[one.name] = try await check(one.name, one.gapHours, fixture, running, plan, stored, seed)
            }
            try await fixture.stop()
            return lost
        }
    }

    /// - Returns: how many records expired that the dataflow never exported.
    private func check(
        _ name: String, _ gapHours: Double, _ fixture: ExportFixture, _ running: ExportFixture.Running, _ plan: Plan,
        _ stored: [Stored], _ seed: UInt64
    ) async throws -> UInt64 {
        let place: Comment = "\(name), SEED=\(seed)"
        let chain = try fixture.manifests(name).map { manifest in manifest }
        var exported = Set<UInt64>()
        var through: UInt64 = 0
        for (folder, manifest) in chain {
            #expect(ManifestCheck.problems(of: manifest) == [], place)
            #expect(manifest.window.afterSequence == through, place)
            through = manifest.window.throughSequence
            let absent = manifest.absent.flatMap { Array($0.firstSequence...$0.lastSequence) }
            for file in manifest.exportResults {
                let sequences = Set(file.firstSequence...file.lastSequence).subtracting(absent)
                #expect(UInt64(sequences.count) == file.records, place)
                #expect(sequences.isDisjoint(with: exported), "none twice: \(place)")
                exported.formUnion(sequences)
                #expect(fixture.disk.content(folder.appending(file.name)).count == Int(file.size), place)
            }
        }
        let now = fixture.time.now
        let lost = stored.filter { !exported.contains($0.sequence) && $0.expiresAt <= now }
        let waiting = stored.filter { !exported.contains($0.sequence) && $0.expiresAt > now }
        let dataflow = try await running.dataflow(name)
        #expect(dataflow.cursor == through, place)
        #expect(try running.entry.store.backlog(after: dataflow.cursor).records == UInt64(waiting.count), place)
        // What is not destroyed yet is not counted yet: an attempt may still be at it; here all is destroyed at its time.
        #expect(dataflow.expiredUnexported == UInt64(lost.count), place)
        let audited = try await running.catalog.auditEvents(running.sandboxID, limit: 1_000_000).filter {
            $0.action == .recordExpireUnexported && $0.object == name
        }
        #expect(audited.reduce(0) { $0 + $1.count } == UInt64(lost.count), place)
        for record in lost {
            #expect(!couldHaveBeenExported(record, name, gapHours, plan), "sequence \(record.sequence) of \(place)")
        }
        if !lost.isEmpty {
            let kinds = try await running.catalog.alerts(sandboxID: running.sandboxID, openOnly: false, limit: 1000)
                .reversed().filter { $0.dataflow == name }.map(\.kind)
            let (risk, loss) = (kinds.firstIndex(of: .atRisk), kinds.firstIndex(of: .expiredUnexported))
            #expect(try #require(risk, place) < (try #require(loss, place)), "told of before: \(place)")
        }
        return UInt64(lost.count)
    }

    /// Whether there was a time in a record's life long enough for a run to be due, or tried again, with daemon and destination there.
    private func couldHaveBeenExported(_ record: Stored, _ name: String, _ gapHours: Double, _ plan: Plan) -> Bool {
        let expiry = Double(record.expiresAt.milliseconds - Self.start.milliseconds) / 3_600_000
        let step = Double(Self.stepMinutes) / 60
        // The longest pause between attempts, with its jitter, and what a step may add.
        let needed = gapHours + Double(Limits.retrySecondsAtMost) * 1.2 / 3600 + 2 * step
        var since: Double?
        for hour in stride(from: record.hour, to: expiry, by: step) {
            if plan.isDaemonAway(hour) || plan.isAway(name, hour) { since = nil } else { since = since ?? hour }
            if let since, hour - since >= needed { return true }
        }
        return false
    }
}
