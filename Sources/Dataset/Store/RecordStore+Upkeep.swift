import Disk
import Model
import Synchronization

/// What may take its time. On `upkeep`, one after the other.
extension RecordStore {
    /// What was erased.
    package struct Erasure: Hashable, Sendable {
        /// Records that were erased; their ids are known until they would have expired.
        package var records: UInt64 = 0
        /// Segments that were rewritten without them; the keys and files of the old ones are destroyed.
        package var segments: UInt32 = 0
        /// Records with higher sequences came later, and were not looked at.
        package var throughSequence: UInt64 = 0
    }

    // MARK: Indexes

    /// Writes the index of each segment that lacks it.
    func sealClosed() {
        while let (segment, index, ids) = state.withLock({ $0.segments.toBeSealed }) {
            do throws(DatasetError) {
                let sealed = try Sealing.run(segment, index, ids)
                state.withLock { $0.changeSegments { $0.seal(segment, sealed) } }
            } catch {
                // It stays in memory; the next time it is tried again.
                return reports.failure(error)
            }
        }
    }

    /// Reads a sealed segment whole, as its index file cannot be used, and has another one written.
    func rebuildIndex(of id: SegmentID) throws(DatasetError) {
        guard let segment = state.withLock({ $0.segments.closed.first { $0.identity.id == id } }), segment.isSealed else {
            return
        }
        let scan = try SegmentScan(segment.identity, keys: segment.keys, folders: segment.folders, files: files)
        let (index, ids) = scan.index
        state.withLock { state in
            state.changeSegments { segments in
                segments.unseal(id, index, ids)
                // They may have been missing, when the index could not be read to its end.
                segments.load(ids.all.map(\.fingerprint), of: segment.identity)
            }
        }
        upkeep.start { [weak self] in self?.sealClosed() }
    }

    // MARK: Compaction

    /// Compresses what can be, one piece of work at a time, while nobody writes or beside it.
    ///
    /// - Parameter isForced: also what is being written, what came just now, and what is compressed already: all of it has a new key then.
    /// - Returns: how many segments were rewritten.
    /// - Throws: `io`, `full`: what is there stays as it is; `closed`.
    @discardableResult
    package func compact(isForced: Bool = false) async throws(DatasetError) -> Int {
        let isDue = state.withLock { $0.segmentIsToEnd(now: time.now, isForced: isForced) }
        if isDue { await queue.run { [self] in state.withLock { $0.endSegment() } } }
        var done: Set<SegmentID> = []
        while true {
            let (skipped, limit) = (done, time.now)
            let rewritten = try await upkeep.run { [self] () throws(DatasetError) -> (from: Int, to: SegmentID)? in
                sealClosed()
                let group = state.withLock {
                    $0.isEnding
                        ? [] : Compaction.next(of: $0.segments.visible(now: limit), isForced: isForced, skipping: skipped)
                }
                guard !group.isEmpty else { return nil }
                return (group.count, try rewrite(group) { _ in false }.segment.identity.id)
            }
            guard let rewritten else { return done.count }
            done.insert(rewritten.to)
        }
    }

    // MARK: Erasure

    /// Erases the records that terms find and `isMeant` confirms. When it returns, their keys and data are destroyed.
    ///
    /// - Parameter terms: any of them.
    /// - Throws: `io`, `full`: some may be erased; to be called again. Or `closed`.
    package func erase(
        _ terms: [Term], isMeant: @escaping @Sendable (StoredRecord) -> Bool
    ) async throws(DatasetError) -> Erasure {
        var erasure = Erasure()
        erasure.throughSequence = await queue.run { [self] in
            state.withLock { state in
                state.endSegment()
                return state.highestSequence
            }
        }
        while true {
            let erased = try await upkeep.run { [self] () throws(DatasetError) in try eraseOnce(terms, isMeant: isMeant) }
            guard let erased else { return erasure }
            erasure.records += erased
            erasure.segments += 1
        }
    }

    /// Erases from the first segment that holds any; nil: none does.
    private func eraseOnce(_ terms: [Term], isMeant: @escaping (StoredRecord) -> Bool) throws(DatasetError) -> UInt64? {
        sealClosed()
        for segment in visible {
            var found: Set<UInt64> = []
            for term in terms { found.formUnion(try segment.sequences(of: term)) }
            guard !found.isEmpty, try hasAny(segment, found, isMeant) else { continue }
            guard segment.isSealed else {
                throw DatasetError(
                    .io, "segment \(segment.identity.fileName) could not be given an index, and cannot be rewritten")
            }
            return try rewrite([segment]) { found.contains($0.sequence) && isMeant($0) }.erased
        }
        return nil
    }

    private func hasAny(
        _ segment: Segment, _ sequences: Set<UInt64>, _ isMeant: (StoredRecord) -> Bool
    ) throws(DatasetError) -> Bool {
        for sequence in sequences.sorted() {
            guard let batch = try segment.batch(after: sequence - 1) else { continue }
            let records: [StoredRecord]
            do { records = try segment.records(of: batch) } catch {
                guard error.code == .corrupt else { throw error }
                continue
            }
            if records.contains(where: { $0.sequence == sequence && isMeant($0) }) { return true }
        }
        return false
    }

    /// Puts one segment in the place of some, and destroys those.
    private func rewrite(
        _ group: [Segment], isErased: @escaping (StoredRecord) throws -> Bool
    ) throws(DatasetError) -> Rewriting.Outcome {
        var pace = Pace()
        do {
            let outcome = try Rewriting(
                group, master: master, isErased: isErased,
                pause: { [self] in
                    let (isEnding, isBusy) = state.withLock { ($0.isEnding, $0.isBusy(now: time.now)) }
                    guard !isEnding else { throw DatasetError.closing }
                    pace.step(isBusy: isBusy)
                }, tellDamage: { [self] error in report(damage: error) }
            ).run()
            let replaced = group.map(\.identity.id)
            let isReplaced = state.withLock { $0.changeSegments { $0.replace(replaced, by: outcome.segment) } }
            let gone = isReplaced ? group : [outcome.segment]
            try Destruction.run(gone.map(\.identity.fileName), folders: settings.folders, files: files)
            return outcome
        } catch let error as DatasetError {
            throw error
        } catch {
            throw DatasetError(.io, "\(error)")
        }
    }
}

/// Leaves the processor to who is in a hurry: beside writers no more than a quarter of it is used.
private struct Pace {
    private var start = ContinuousClock.now

    mutating func step(isBusy: Bool) {
        if isBusy {
            let used = ContinuousClock.now - start
            DiskQueue.pause(min(used * 3, .milliseconds(500)))
        }
        start = .now
    }
}
