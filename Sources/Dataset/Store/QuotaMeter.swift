import Model

/// Tells whether a sandbox has what it may have.
struct QuotaMeter {
    var quotas: Sandbox.Quotas
    /// The second that is being counted, and what it had.
    private var second: Int64 = .min
    private var recordsOfSecond: UInt64 = 0

    init(_ quotas: Sandbox.Quotas) {
        self.quotas = quotas
    }

    var limitsDays: Bool { quotas.recordsPerDay != nil }

    /// Why one more record is refused; nil: it is not, and counts.
    ///
    /// - Parameters:
    ///   - size: bytes that it takes, about.
    ///   - stored: bytes that are taken already.
    ///   - ofDay: records that the day has already.
    mutating func refusal(of size: Int, stored: UInt64, ofDay: UInt64, now: Instant) -> DatasetError? {
        if let most = quotas.bytes, stored + UInt64(size) > most {
            return DatasetError(.quota, "the sandbox stores \(stored) bytes, and may store \(most); what expires makes room")
        }
        if let most = quotas.recordsPerDay, ofDay >= most {
            return DatasetError(.quota, "the sandbox has the \(most) records that one day may have")
        }
        guard let most = quotas.recordsPerSecond else { return nil }
        if now.milliseconds / 1000 != second { (second, recordsOfSecond) = (now.milliseconds / 1000, 0) }
        guard recordsOfSecond < most else {
            return DatasetError(.quota, "the sandbox has the \(most) records that one second may have; try again in a second")
        }
        recordsOfSecond += 1
        return nil
    }
}
