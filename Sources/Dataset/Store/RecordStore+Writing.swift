import Disk
import Model
import Synchronization
import SystemPackage

extension RecordStore {
    /// Commits batch after batch, on `queue`; between two of them it lets others have the queue who wait for it.
    func write() {
        if writeBatch() { queue.start { [self] in write() } }
    }

    /// Commits what waits on the caller's thread, when it is little and nothing else is to be done there or on `queue`.
    func writeAtTurnEnd(isAlone: Bool) {
        guard isAlone, state.withLock({ $0.isQuickToWrite(now: time.now) }), queue.runHere({ writeBatch() }) != nil,
            state.withLock({ $0.endWriting() })
        else { return queue.start { [self] in write() } }
    }

    /// Commits all that waits. On `queue`.
    func writeUntilNothingWaits() {
        while writeBatch() {}
    }

    /// Commits what waits, as far as it is one batch; false: nothing waits.
    private func writeBatch() -> Bool {
        guard let batch = state.withLock({ $0.nextBatch(now: time.now) }) else { return false }
        do throws(DatasetError) {
            try commit(batch)
        } catch {
            reports.failure(error)
            state.withLock { $0.fail(batch, error) }.runAnswers()
            reports.healthChanged()
        }
        return true
    }

    private func commit(_ batch: State.Taken) throws(DatasetError) {
        let records = batch.waiting.map { NewRecord($0.submission) }
        let isNew: Bool
        var writer: SegmentWriter
        let location: BatchLocation
        do throws(DiskError) {
            if let current = batch.writer {
                (writer, isNew) = (current, false)
            } else {
                guard state.withLock({ $0.segments.hasSlot(for: batch.life.expiry) }) else {
                    throw DiskError("make one more segment of this day in", settings.folders.dataFolder, .noSpace)
                }
                (writer, isNew) = (try newWriter(for: batch.life), true)
            }
            location = try append(records, of: batch, to: &writer)
        } catch {
            throw DatasetError(error.isFull ? .full : .io, "\(error)")
        }
        let segment = Segment(
            identity: writer.identity, keys: writer.keys, folders: settings.folders, files: files, index: .open(OpenIndex()))
        let (decisions, hadFailed) = state.withLock { state in
            let hadFailed = state.hasFailed
            return (state.publish(batch, records, location: location, writer: writer, segment: segment), hadFailed)
        }
        decisions.runAnswers()
        reports.committed(batch.waiting.count, writer.offset - location.offset, writer.syncNanoseconds)
        if hadFailed { reports.healthChanged() }
        if isNew { sealing.start { [weak self] in self?.sealClosed() } }
    }

    private func append(
        _ records: [NewRecord], of batch: State.Taken, to writer: inout SegmentWriter
    ) throws(DiskError) -> BatchLocation {
        do {
            return try writer.append(
                records, firstSequence: batch.firstSequence, voidFrom: batch.voidFrom, ingestedAt: batch.ingestedAt)
        } catch {
            if writer.ordinal == 0 { SegmentWriter.remove(writer.identity, folders: settings.folders, files: files) }
            throw error
        }
    }

    private func newWriter(for life: SegmentLife) throws(DiskError) -> SegmentWriter {
        let identity = SegmentIdentity(
            id: .random(), sandbox: settings.sandbox, epoch: settings.epoch, zone: life.zone, day: life.day, expiry: life.expiry)
        return try SegmentWriter(identity: identity, folders: settings.folders, master: master, files: files)
    }

    // MARK: Doubtful ids

    /// Looks on disk whether ids are there that memory cannot tell about. One at a time, on `looks`.
    func lookUntilNothingIsDoubtful() {
        loadIDs()
        while let doubtful = state.withLock({ $0.nextDoubtful() }) {
            for entry in doubtful {
                let known = look(for: entry.submission.fingerprint)
                let decisions = state.withLock { $0.settle(entry, known, now: time.now) }
                decisions.runAnswers()
                if decisions.needsWriter { queue.start { [self] in write() } }
            }
        }
    }

    private func look(for fingerprint: Fingerprint) -> Result<(KnownRecord, Instant)?, DatasetError> {
        do throws(DatasetError) {
            return .success(
                try reading { _ throws(DatasetError) in
                    switch state.withLock({ $0.find(fingerprint, now: time.now) }) {
                    case .unknown: return nil
                    case .known(let known, let expiresAt): return (known, expiresAt)
                    case .perhaps(let segments):
                        for segment in segments {
                            guard case .sealed(let index) = segment.index else { continue }
                            if let known = try index.known(fingerprint) { return (known, segment.identity.expiry) }
                        }
                        return nil
                    }
                })
        } catch {
            return .failure(error)
        }
    }

    /// Takes the ids of sealed segments into memory, when that was not done yet.
    private func loadIDs() {
        // Again where segments were put in the place of others meanwhile.
        while true {
            let partial = state.withLock { $0.segments.partial }
            guard !partial.isEmpty else { return }
            state.withLock { $0.changeSegments { $0.makeRoom(for: partial) } }
            for segment in partial {
                do throws(DatasetError) { try loadIDs(of: segment) } catch {
                    // Where it cannot be read now, each id is looked for on disk until it can.
                    if isThere(segment.identity.id) { return reports.failure(error) }
                }
            }
        }
    }

    private func loadIDs(of segment: Segment) throws(DatasetError) {
        guard case .sealed(let index) = segment.index else { return }
        do throws(DatasetError) {
            try index.forEachFingerprints { ids in
                state.withLock { $0.changeSegments { $0.load(ids, of: segment.identity) } }
            }
            state.withLock { $0.changeSegments { $0.endLoading(of: segment.identity) } }
        } catch {
            guard error.code == .corrupt else { throw error }
            report(damage: error)
            // What its data says is as good.
            try rebuildIndex(of: segment.identity.id)
        }
    }
}
