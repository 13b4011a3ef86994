import Metrics
import Model

/// What is counted of one sandbox since the start. Any thread may count.
final class SandboxMeter: Sendable {
    private let outcomes = Outcome.allCases.map { _ in Counter() }
    private let failures = Status.Code.allCases.map { _ in Counter() }
    /// From when a message was read to its answer, in nanoseconds.
    let ingest = Histogram.durations
    /// Records of a batch.
    let batchRecords = Histogram.powers(of: 4, count: 7)
    /// Bytes that a batch took on disk.
    let batchBytes = Histogram(bounds: (0..<8).map { 4096 << (2 * UInt64($0)) })
    /// How long a batch's sync took, in nanoseconds.
    let sync = Histogram.durations
    let writeFailures = Counter()
    let expired = Counter()
    let expiredUnexported = Counter()
    let runsSucceeded = Counter()
    let runsFailed = Counter()
    let runsCancelled = Counter()
    let attemptsFailed = Counter()
    let exportedRecords = Counter()
    let exportedBytes = Counter()

    /// Counts the answer to one message.
    func count(_ result: Result<IngestResult, Status>) {
        switch result {
        case .success(let result): outcomes[Self.index(of: result.outcome)].add()
        case .failure(let status): count(status)
        }
    }

    /// Counts the answer to a message, or to a call before its messages are known.
    func count(_ status: Status) {
        failures[Int(status.code.rawValue)].add()
    }

    /// Counts a run that has ended.
    func count(_ run: Run) {
        switch run.state {
        case .success:
            runsSucceeded.add()
            exportedRecords.add(run.totals.exported)
            exportedBytes.add(run.totals.bytes)
        case .failed: runsFailed.add()
        case .cancelled: runsCancelled.add()
        default: break
        }
    }

    /// Messages by what was answered; answers that nobody had are left out, but for outcomes.
    var answers: [(answer: String, count: UInt64)] {
        let outcomes = zip(Outcome.allCases, outcomes).map { ($0.rawValue, $1.value) }
        let failures = zip(Status.Code.allCases, failures).map { ($0.name, $1.value) }
        return outcomes + failures.filter { $0.1 > 0 }
    }

    private static func index(of outcome: Outcome) -> Int {
        switch outcome {
        case .stored: 0
        case .duplicate: 1
        case .exportDisabled: 2
        case .beforeEnabled: 3
        }
    }
}
