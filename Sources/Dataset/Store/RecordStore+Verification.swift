import Disk
import Model
import Synchronization

/// What reading everything again finds.
extension RecordStore {
    /// What was read, and what was found.
    package struct Verification: Hashable, Sendable {
        /// Segments that are visible.
        package var segments: UInt64 = 0
        /// Batches of them, those with damage too.
        package var batches: UInt64 = 0
        /// Records that can be read.
        package var records: UInt64 = 0
        /// Bytes read of data files.
        package var bytes: UInt64 = 0
        /// Bytes there are to read, about.
        package var bytesToRead: UInt64 = 0
        /// What is not as it was written, and where; never content.
        package var problems: [String] = []
    }

    /// Reads every visible byte of the dataset and compares: keys in both copies, batches, indexes. Blocks, for as long as that takes.
    ///
    /// - Parameter progress: is told how far it is, for each batch; may take its time, and throw to end it.
    /// - Throws: `io`, or what `progress` throws. Damage does not throw: see `problems`.
    package func verify(progress: (Verification) throws -> Void = { _ in }) throws -> Verification {
        var verification = Verification()
        let segments = visible
        verification.bytesToRead = segments.reduce(0) { $0 + UInt64($1.size) }
        for segment in segments {
            do {
                try verify(segment, &verification, progress)
            } catch let error as DatasetError {
                // It may be gone by now: expired, or rewritten.
                guard isThere(segment.identity.id) else { continue }
                throw error
            }
        }
        return verification
    }

    private func verify(
        _ segment: Segment, _ verification: inout Verification, _ progress: (Verification) throws -> Void
    ) throws {
        var check = try SegmentCheck(segment)
        var soFar = verification
        try check.run(master: master) { bytes in
            soFar.bytes += bytes
            soFar.batches += 1
            try progress(soFar)
        }
        guard isThere(segment.identity.id) else { return }
        verification.segments += 1
        verification.batches += check.batches
        verification.records += check.records
        verification.bytes += check.bytes
        let lost = segment.lost.map {
            "segment \(segment.identity.fileName): sequences \($0.lowerBound) to \($0.upperBound) are lost since its index was made"
        }
        verification.problems += check.problems + lost
    }

    /// Mends what can be mended without losing anything more: copies of keys, indexes. Blocks.
    ///
    /// - Returns: what was mended.
    /// - Throws: `io`, `full`.
    package func repair() throws(DatasetError) -> [String] {
        var mended: [String] = []
        for segment in visible {
            let name = segment.identity.fileName
            let key = try KeyFile.problems(
                segment.folders.key(name), expected: segment.identity, master: master, files: files)
            if !key.isEmpty {
                try KeyFile.replace(
                    segment.folders.key(name), unfinished: segment.folders.rewrappedKey(name), identity: segment.identity,
                    keys: segment.keys, master: master, files: files)
                mended.append("key file \(name): both copies are whole")
            }
            guard segment.isSealed else { continue }
            do {
                var check = try SegmentCheck(segment)
                try check.run(master: master) { _ in }
                guard check.problems.contains(where: { $0.hasPrefix("index") || $0.contains("the index of") }) else { continue }
                try rebuildIndex(of: segment.identity.id)
                mended.append("index of segment \(name): made again from the data")
            } catch let error as DatasetError {
                throw error
            } catch {
                throw DatasetError(.io, "\(error)")
            }
        }
        // In its place: two that write one index would leave the one's file under the other's key.
        sealing.wait { sealClosed() }
        return mended
    }
}
