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

    /// Writes the index of each segment that lacks it. On `sealing`.
    func sealClosed() {
        var failed: Set<SegmentID> = []
        while let (segment, index, ids) = state.withLock({ $0.segments.toBeSealed(but: failed) }) {
            do throws(DatasetError) {
                let sealed = try Sealing.run(segment, index, ids)
                state.withLock { $0.changeSegments { $0.seal(segment, sealed) } }
            } catch {
                // It stays in memory; the next time it is tried again.
                failed.insert(segment.identity.id)
                reports.failure(error)
            }
        }
    }

    /// Reads a sealed segment whole, as its index file cannot be used, and has another one written.
    func rebuildIndex(of id: SegmentID) throws(DatasetError) {
        guard let segment = state.withLock({ $0.segments.closed.first { $0.identity.id == id } }), segment.isSealed else {
            return
        }
        var scan = try SegmentScan(segment.identity, keys: segment.keys, folders: segment.folders, files: files)
        scan.drop(state.withLock { $0.segments.voids })
        // What was read while it was destroyed says nothing.
        guard isThere(id) else { return }
        for damage in scan.damage {
            report(damage: DatasetError(.corrupt, "segment \(segment.identity.fileName): \(damage)"))
        }
        let (index, ids) = scan.index
        state.withLock { state in
            state.changeSegments { segments in
                let isPartial = segments.partial.contains { $0.identity.id == id }
                segments.unseal(id, index, ids)
                guard isPartial else { return }
                segments.load(ids.all.map(\.fingerprint), of: segment.identity)
                segments.endLoading(of: segment.identity)
            }
        }
        sealing.start { [weak self] in self?.sealClosed() }
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
        var (done, skipped): (Int, Set<SegmentID>) = (0, [])
        while true {
            await sealing.run { [self] in sealClosed() }
            let (passed, limit) = (skipped, time.now)
            let rewritten = try await upkeep.run { [self] () throws(DatasetError) -> (made: SegmentID?, of: [SegmentID])? in
                let group = state.withLock {
                    $0.isEnding
                        ? [] : Compaction.next(of: $0.segments.visible(now: limit), isForced: isForced, skipping: passed)
                }
                guard !group.isEmpty else { return nil }
                do throws(DatasetError) {
                    return (try rewrite(group).segment.identity.id, [])
                } catch {
                    // What cannot be read stays as it is: it may be readable again. The others go on.
                    guard error.code == .corrupt else { throw error }
                    report(damage: error, in: group.map(\.identity.id))
                    if let source = error.source, source.isIndex { try rebuildIndex(of: source.segment) }
                    return (nil, group.map(\.identity.id))
                }
            }
            guard let rewritten else { return done }
            if rewritten.made != nil { done += 1 }
            skipped.formUnion(rewritten.of + [rewritten.made].compactMap { $0 })
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
        let through = erasure.throughSequence
        while true {
            await sealing.run { [self] in sealClosed() }
            let erased = try await upkeep.run { [self] () throws(DatasetError) in
                // What an earlier erasure left behind counts: it is done when it is gone.
                try destroyLeft()
                return try eraseOnce(terms, isMeant: { $0.sequence <= through && isMeant($0) })
            }
            guard let erased else { return erasure }
            erasure.records += erased
            erasure.segments += 1
        }
    }

    /// Erases from the first segment that holds any; nil: none does.
    private func eraseOnce(_ terms: [Term], isMeant: @escaping (StoredRecord) -> Bool) throws(DatasetError) -> UInt64? {
        for segment in visible {
            var found: Set<UInt64> = []
            do throws(DatasetError) {
                for term in terms { found.formUnion(try segment.sequences(of: term)) }
                guard !found.isEmpty, try hasAny(segment, found, isMeant) else { continue }
            } catch {
                guard error.code == .corrupt, !error.mayPass, let source = error.source, source.isIndex else { throw error }
                report(damage: error, in: [source.segment])
                try rebuildIndex(of: source.segment)
                return 0
            }
            guard segment.isSealed else {
                throw DatasetError(
                    .io, "segment \(segment.identity.fileName) could not be given an index, and cannot be rewritten")
            }
            return try rewrite([segment], isErased: { found.contains($0.sequence) && isMeant($0) }).erased
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
                // Whether it is meant nobody can read: it is not kept, lest somebody can one day.
                guard error.code == .corrupt, !error.mayPass else { throw error }
                return true
            }
            if records.contains(where: { $0.sequence == sequence && isMeant($0) }) { return true }
        }
        return false
    }

    /// Destroys what does not count any more and could not be destroyed when it was replaced.
    /// - Throws: `io`: some of it is there still.
    func destroyLeft() throws(DatasetError) {
        let names = state.withLock { $0.undestroyed }
        guard !names.isEmpty else { return }
        do throws(DiskError) { try Destruction.run(names.sorted(), folders: settings.folders, files: files) } catch {
            throw DatasetError(.io, "\(error)")
        }
        state.withLock { $0.undestroyed.subtract(names) }
    }

    /// Puts one segment in the place of some, and destroys those.
    ///
    /// - Parameter isErased: what is left out; then what cannot be read is left out too. Nil: nothing is.
    private func rewrite(
        _ group: [Segment], isErased: ((StoredRecord) throws -> Bool)? = nil
    ) throws(DatasetError) -> Rewriting.Outcome {
        // A segment names what it replaces: whatever that had replaced must be gone by then.
        try destroyLeft()
        var pace = Pace()
        do {
            let outcome = try Rewriting(
                group, master: master, isErased: isErased,
                pause: { [self] in
                    let (isEnding, isBusy) = state.withLock { ($0.isEnding, $0.isBusy(now: time.now)) }
                    guard !isEnding else { throw DatasetError.closing }
                    pace.step(isBusy: isBusy)
                }, tellDamage: { [self] error in report(damage: error, in: group.map(\.identity.id)) },
                leave: { [self] name in state.withLock { _ = $0.undestroyed.insert(name) } }
            ).run()
            let replaced = group.map(\.identity.id)
            state.withLock { state in
                let isReplaced = state.changeSegments { $0.replace(replaced, by: outcome.segment) }
                state.undestroyed.formUnion((isReplaced ? group : [outcome.segment]).map(\.identity.fileName))
            }
            try destroyLeft()
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
