import Catalog
import Dataset
import Disk
import Metrics
import Model
import SystemPackage

/// What metrics say: all that was counted since the start, and how things are now. No names but those of sandboxes, where they are wanted.
struct MetricsReport: Sendable {
    let meters: Meters
    let directory: SandboxDirectory
    let catalog: CatalogStore
    let health: HealthService
    let time: TrustedTime
    let lines: LogLines
    let current: CurrentSettings
    let data: FilePath
    let startedAt: Instant

    /// As OpenMetrics. Answers also when the catalog does not: then what it would say is missing.
    func text() async -> String {
        let isNamed = current.value.metricsNameSandboxes
        var text = MetricsText()
        text.info("msgexport_build", "The daemon.", [("version", productVersion)])
        writeIngest(&text, isNamed)
        writeDatasets(&text, isNamed)
        writeExports(&text, isNamed)
        if let figures = try? await catalog.figures() { write(figures, &text, isNamed) }
        writeDaemon(&text)
        await writeHealth(&text)
        writeProcess(&text)
        return text.finished
    }

    /// A value of each sandbox or, unless they are to be named, their sum.
    private func samples(_ isNamed: Bool, _ value: (SandboxMeter) -> Counter) -> [(labels: MetricsText.Labels, value: UInt64)] {
        let all = meters.ofSandboxes
        guard isNamed else { return [([], all.reduce(0) { $0 + value($1.meter).value })] }
        return all.map { ([("sandbox", $0.sandbox)], value($0.meter).value) }
    }

    private func samples(
        _ isNamed: Bool, _ value: (SandboxMeter) -> Histogram
    ) -> [(labels: MetricsText.Labels, reading: Histogram.Reading)] {
        let all = meters.ofSandboxes.map { ($0.sandbox, value($0.meter).reading) }
        guard !isNamed, var sum = all.first?.1 else { return all.map { ([("sandbox", $0.0)], $0.1) } }
        for other in all.dropFirst() { sum.add(other.1) }
        return [([], sum)]
    }

    private func samples(
        _ isNamed: Bool, _ value: (SandboxDirectory.Entry) -> UInt64
    ) -> [(labels: MetricsText.Labels, value: Double)] {
        let entries = directory.snapshot.entries.values.sorted { $0.sandbox.name < $1.sandbox.name }
        guard isNamed else { return [([], Double(entries.reduce(0) { $0 + value($1) }))] }
        return entries.map { ([("sandbox", $0.sandbox.name)], Double(value($0))) }
    }

    private func writeIngest(_ text: inout MetricsText, _ isNamed: Bool) {
        var answers: [(labels: MetricsText.Labels, value: UInt64)] = []
        let all = meters.ofSandboxes + [("", meters.elsewhere)]
        if isNamed {
            for (sandbox, meter) in all {
                for (answer, count) in meter.answers where !sandbox.isEmpty || count > 0 {
                    answers.append(([("answer", answer), ("sandbox", sandbox)], count))
                }
            }
        } else {
            let sums = all.flatMap(\.meter.answers).reduce(into: [String: UInt64]()) { $0[$1.answer, default: 0] += $1.count }
            answers = sums.sorted { $0.key < $1.key }.map { ([("answer", $0.key)], $0.value) }
        }
        text.counter("msgexport_ingest_messages", "Messages by what was answered: an outcome, or a status code.", answers)
        text.histogram(
            "msgexport_ingest_seconds", "From when a message was read to its answer.", scale: 1e-9, samples(isNamed, \.ingest))
        text.histogram("msgexport_batch_records", "Records of a batch.", scale: 1, samples(isNamed, \.batchRecords))
        text.histogram("msgexport_batch_bytes", "Bytes that a batch took on disk.", scale: 1, samples(isNamed, \.batchBytes))
        text.histogram("msgexport_sync_seconds", "How long the disk took to sync a batch.", scale: 1e-9, samples(isNamed, \.sync))
        text.counter(
            "msgexport_write_failures", "Batches and indexes that could not be written.", samples(isNamed, \.writeFailures))
    }

    private func writeDatasets(_ text: inout MetricsText, _ isNamed: Bool) {
        let totals = directory.snapshot.entries.mapValues(\.store.totals)
        text.gauge("msgexport_dataset_records", "Records retained.", samples(isNamed) { totals[$0.sandbox.name]?.records ?? 0 })
        text.gauge(
            "msgexport_dataset_bytes", "Bytes of the datasets' data files.",
            samples(isNamed) { totals[$0.sandbox.name]?.bytes ?? 0 })
        text.gauge(
            "msgexport_dataset_segments", "Segments that hold records.",
            samples(isNamed) { UInt64(totals[$0.sandbox.name]?.segments ?? 0) })
        text.counter("msgexport_expired_records", "Records destroyed at their expiry.", samples(isNamed, \.expired))
        text.counter(
            "msgexport_expired_unexported_records", "Records that expired before a dataflow exported them, for each dataflow.",
            samples(isNamed, \.expiredUnexported))
        text.counter("msgexport_damage", "Things found damaged on disk.", [([], meters.damage.value)])
    }

    private func writeExports(_ text: inout MetricsText, _ isNamed: Bool) {
        var ends: [(labels: MetricsText.Labels, value: UInt64)] = []
        for (state, counter) in [
            ("SUCCESS", \SandboxMeter.runsSucceeded), ("FAILED", \.runsFailed), ("CANCELLED", \.runsCancelled),
        ] {
            ends += samples(isNamed) { $0[keyPath: counter] }.map { ([("state", state)] + $0.labels, $0.value) }
        }
        text.counter("msgexport_runs", "Runs that ended.", ends)
        text.counter(
            "msgexport_attempts_failed", "Attempts of runs that failed and are made again.", samples(isNamed, \.attemptsFailed))
        text.counter("msgexport_exported_records", "Records that successful runs exported.", samples(isNamed, \.exportedRecords))
        text.counter(
            "msgexport_exported_bytes", "Bytes of files that successful runs delivered.", samples(isNamed, \.exportedBytes))
        text.gauge(
            "msgexport_waiting_records", "Records that scheduled dataflows have not exported, for each dataflow.",
            samples(isNamed) { meters.backlogs(of: $0.sandbox.name).reduce(0) { $0 + $1.records } })
        text.gauge(
            "msgexport_at_risk_records", "Of them, those of dataflows whose oldest may expire before it is exported.",
            samples(isNamed) { meters.backlogs(of: $0.sandbox.name).reduce(0) { $0 + ($1.isAtRisk ? $1.records : 0) } })
    }

    private func write(_ figures: CatalogFigures, _ text: inout MetricsText, _ isNamed: Bool) {
        let names = Dictionary(
            directory.snapshot.entries.values.map { ($0.sandbox.id, $0.sandbox.name) }, uniquingKeysWith: { first, _ in first })
        var alerts: [(labels: MetricsText.Labels, value: Double)] = []
        for kind in Alert.Kind.allCases where kind.isState {
            let open = figures.openAlerts.filter { $0.kind == kind }
            if isNamed {
                for name in names.values.sorted() {
                    let count = open.filter { names[$0.sandboxID] == name }.reduce(0) { $0 + $1.count }
                    alerts.append(([("alert", kind.rawValue), ("sandbox", name)], Double(count)))
                }
            } else {
                alerts.append(([("alert", kind.rawValue)], Double(open.reduce(0) { $0 + $1.count })))
            }
        }
        text.gauge("msgexport_alerts", "Alerts that tell of what still is so.", alerts)
        text.gauge("msgexport_runs_under_way", "Runs that have not ended.", [([], Double(figures.runsUnderWay))])
        text.counter("msgexport_audit_events", "Events of the audit, since it began.", [([], figures.auditEvents)])
    }

    private func writeDaemon(_ text: inout MetricsText) {
        text.counter("msgexport_audit_failures", "Times that the audit could not be written.", [([], meters.auditFailures.value)])
        text.counter("msgexport_refusals", "Requests of callers who may not make them.", [([], meters.refusals.value)])
        text.gauge("msgexport_connections", "Connections that are open.", [([], Double(meters.openConnections))])
        text.counter(
            "msgexport_connections_closed_for_cause", "Connections refused, or closed for what their peers did.",
            [([], meters.connectionsClosed.value)])
        text.counter(
            "msgexport_log_lines", "Lines of the log by level.",
            [([("level", "warning")], lines.warnings.value), ([("level", "error")], lines.errors.value)])
        let reading = time.reading
        text.gauge(
            "msgexport_clock_doubted", "1 while the machine's clock is not believed, and nothing is destroyed.",
            [([], reading.doubt == nil ? 0 : 1)])
        guard let disk = DiskSpace(of: data) else { return }
        text.gauge("msgexport_disk_size_bytes", "Bytes of the file system that the data is on.", [([], Double(disk.bytes))])
        text.gauge("msgexport_disk_free_bytes", "Bytes of it that the daemon may still write.", [([], Double(disk.free))])
    }

    private func writeHealth(_ text: inout MetricsText) async {
        let isServing = await health.health(of: "") == .serving
        text.gauge(
            "msgexport_healthy", "1 while every dataset takes records and the catalog can be read.", [([], isServing ? 1 : 0)])
    }

    /// Under the names that every Prometheus client has for them.
    private func writeProcess(_ text: inout MetricsText) {
        let process = ProcessFigures.now
        text.gauge("process_resident_memory_bytes", "Memory that is in RAM.", [([], Double(process.residentBytes))])
        text.gauge("process_virtual_memory_bytes", "Address space.", [([], Double(process.virtualBytes))])
        text.gauge("process_open_fds", "Open descriptors.", [([], Double(process.openDescriptors))])
        text.gauge("process_max_fds", "Descriptors that may be open.", [([], Double(process.descriptorLimit))])
        text.gauge("process_start_time_seconds", "When it started, since 1970.", [([], Double(startedAt.milliseconds) / 1000)])
        text.seconds("process_cpu_seconds", "Processor time, the kernel's included.", process.cpuSeconds)
    }
}
