import Model

extension RecordStore {
    /// All that changes in a dataset, as a value: no disk, no clock, no threads.
    struct State {
        /// What the writer took to commit.
        struct Taken {
            let waiting: [Entry]
            let firstSequence: UInt64
            let voidFrom: UInt64
            let ingestedAt: Instant
            let life: SegmentLife
            /// Of the segment that they go to; nil: one is to be made.
            let writer: SegmentWriter?
        }

        /// A completion with what to tell it, to be run without the lock.
        struct Answer {
            let completion: Completion
            let result: Result<Appended, DatasetError>

            func run() { completion(result) }
        }

        enum Decision {
            case answer(Result<Appended, DatasetError>)
            /// There is one of its id: what it is answered is told by its content.
            case isKnown(KnownRecord, expiresAt: Instant)
            case waits
            /// It waits, and nobody is writing: the caller must start the writer.
            case waitsForNewWriter
            /// It waits for a look at the disk, and nobody is looking: the caller must start to.
            case waitsForNewLook
        }

        /// What is to be done about entries, without the lock.
        struct Decisions {
            private(set) var answers: [Answer] = []
            private(set) var known: [(Entry, KnownRecord, expiresAt: Instant)] = []
            private(set) var needsWriter = false
            private(set) var needsLook = false

            mutating func add(_ decision: Decision, _ entry: Entry) {
                switch decision {
                case .answer(let result): answers.append(Answer(completion: entry.completion, result: result))
                case .isKnown(let record, let expiresAt): known.append((entry, record, expiresAt))
                case .waits: break
                case .waitsForNewWriter: needsWriter = true
                case .waitsForNewLook: needsLook = true
                }
            }

            /// Answers what needs no more than that.
            func runAnswers() {
                for answer in answers { answer.run() }
                for (entry, known, expiresAt) in known {
                    entry.completion(known.answer(to: entry.submission.body.content, expiresAt: expiresAt))
                }
            }
        }

        private(set) var segments: SegmentList
        var isClosed = false
        /// It is about to be closed: nothing long is begun or gone on with.
        var isEnding = false
        /// Whether the last batch could not be written.
        private(set) var hasFailed = false

        /// What is on its way.
        private var pending: Set<Fingerprint> = []
        private var waiting = FairQueue<Entry>()
        /// Submissions that memory alone cannot tell about.
        private var doubtful: [Entry] = []
        private var isLooking = false
        /// For so many batches to come nobody has much of one: somebody with few records may come again.
        private var batchesShared = 0
        /// Repeats of what waits or is being written: they are decided about when that is over.
        private var repeats: [Fingerprint: [Entry]] = [:]
        /// What waits takes, about.
        private(set) var waitingBytes = 0
        /// Repeats among it, of which none is stored.
        private var repeatedBytes = 0
        private var isWriting = false
        private var writer: SegmentWriter?
        private var nextSequence: UInt64
        /// The first sequence after the last batch that succeeded.
        private var voidFrom: UInt64
        private var lastIngestedAt: Instant
        /// Decides about days that have not begun.
        var policy: RetentionPolicy
        /// That of the day that has.
        private var life: SegmentLife?
        var meter: QuotaMeter
        /// What reading found damaged.
        var damage: [String] = []
        /// Names of segments that do not count any more, and whose files could not be destroyed yet.
        var undestroyed: Set<String> = []
        /// Who waits for records, by a number.
        var watchers: [UInt64: AsyncStream<Void>.Continuation] = [:]
        var lastWatcher: UInt64 = 0

        init(nextSequence: UInt64, segments: SegmentList, policy: RetentionPolicy, quotas: Sandbox.Quotas) {
            self.nextSequence = nextSequence
            self.segments = segments
            self.policy = policy
            life = segments.closed.last.flatMap { SegmentLife($0.identity) }
            lastIngestedAt = segments.closed.compactMap(\.times?.upperBound).max() ?? Instant(milliseconds: .min)
            meter = QuotaMeter(quotas)
            // What recovery found is served, failed or not: from here on it counts.
            voidFrom = nextSequence
        }

        // MARK: Submissions

        /// Decides about each: answers it, or lets it wait for its commit or for a look at the disk.
        mutating func take(_ entries: [Entry], now: Instant) -> Decisions {
            var decisions = Decisions()
            for entry in entries { decisions.add(isClosed ? .answer(.failure(.closing)) : decide(entry, now: now), entry) }
            return decisions
        }

        private mutating func decide(_ entry: Entry, now: Instant) -> Decision {
            let submission = entry.submission
            if pending.contains(submission.fingerprint) { return hold(entry) }
            switch segments.find(submission.fingerprint, now: now) {
            case .known(let known, let expiresAt): return .isKnown(known, expiresAt: expiresAt)
            case .unknown: return enqueue(entry, now: now)
            case .perhaps:
                guard hasRoom(for: submission) else { return .answer(.failure(tooMuch)) }
                pending.insert(submission.fingerprint)
                doubtful.append(entry)
                waitingBytes += submission.size
                defer { isLooking = true }
                return isLooking ? .waits : .waitsForNewLook
            }
        }

        /// Lets a repeat wait for the end of what is under way.
        private mutating func hold(_ entry: Entry) -> Decision {
            guard hasRoom(for: entry.submission) else { return .answer(.failure(tooMuch)) }
            repeats[entry.submission.fingerprint, default: []].append(entry)
            waitingBytes += entry.submission.size
            repeatedBytes += entry.submission.size
            return .waits
        }

        /// Lets a record that is not there yet wait for its commit.
        private mutating func enqueue(_ entry: Entry, now: Instant) -> Decision {
            let submission = entry.submission
            guard entry.keep else { return .answer(.success(.notKept)) }
            guard hasRoom(for: submission) else { return .answer(.failure(tooMuch)) }
            if let refusal = meter.refusal(
                of: submission.size, stored: segments.size + UInt64(waitingBytes - repeatedBytes), ofDay: recordsOfDay(at: now),
                now: now)
            {
                return .answer(.failure(refusal))
            }
            pending.insert(submission.fingerprint)
            waiting.append(entry, of: submission.source)
            waitingBytes += submission.size
            defer { isWriting = true }
            return isWriting ? .waits : .waitsForNewWriter
        }

        /// One that is larger than the limit on its own is taken when nothing else waits.
        private func hasRoom(for submission: Submission) -> Bool {
            waitingBytes == 0 || waitingBytes + submission.size <= Limits.pendingBytes
        }

        private var tooMuch: DatasetError {
            DatasetError(.full, "\(waitingBytes) bytes already wait for the disk; try again later")
        }

        // MARK: Looks at the disk

        /// What to look for next; nil when nothing is doubtful, and then nobody looks any more.
        mutating func nextDoubtful() -> [Entry]? {
            guard !doubtful.isEmpty else {
                isLooking = false
                return nil
            }
            defer { doubtful = [] }
            return doubtful
        }

        /// Decides about what was doubtful.
        ///
        /// - Parameter known: what the disk says of its id; nil: it is not there.
        mutating func settle(
            _ entry: Entry, _ known: Result<(KnownRecord, Instant)?, DatasetError>, now: Instant
        ) -> Decisions {
            waitingBytes -= entry.submission.size
            pending.remove(entry.submission.fingerprint)
            let repeated = takeRepeats(of: entry.submission.fingerprint)
            var decisions = Decisions()
            switch known {
            case .failure(let error):
                for entry in [entry] + repeated { decisions.add(.answer(.failure(error)), entry) }
            case .success((let known, let expiresAt)?):
                for entry in [entry] + repeated { decisions.add(.isKnown(known, expiresAt: expiresAt), entry) }
            case .success(nil):
                for entry in [entry] + repeated {
                    let isPending = pending.contains(entry.submission.fingerprint)
                    decisions.add(isPending ? hold(entry) : enqueue(entry, now: now), entry)
                }
            }
            return decisions
        }

        func find(_ fingerprint: Fingerprint, now: Instant) -> SegmentList.Found { segments.find(fingerprint, now: now) }

        // MARK: Writing

        /// Whether a commit of what waits is expected to take no longer than two changes of threads.
        func isQuickToWrite(now: Instant) -> Bool {
            // A new segment is several syncs.
            guard let life, life.hours.contains(max(now, lastIngestedAt)), let writer = writerInUse(for: life) else {
                return false
            }
            // Where the batch before was large, this is a piece of much that comes: what comes meanwhile is to be received.
            return max(waitingBytes, Int(writer.lastExtent)) <= Limits.quickBytes
                && writer.syncNanoseconds <= Limits.quickSyncNanoseconds
        }

        /// Nobody writes any more, unless something waits: then false.
        mutating func endWriting() -> Bool {
            guard waiting.isEmpty else { return false }
            isWriting = false
            return true
        }

        /// What to commit next; nil when nothing waits, and then nobody writes any more.
        mutating func nextBatch(now: Instant) -> Taken? {
            guard !endWriting() else { return nil }
            let share = batchesShared > 0 ? Limits.batchShareBytes : Limits.batchBytes
            let (taken, size, hasQuiet) = waiting.take(
                atMost: Limits.batchRecords, bytes: Limits.batchBytes, share: share, size: \.submission.size)
            batchesShared = hasQuiet ? Limits.batchesShared : max(0, batchesShared - 1)
            waitingBytes -= size
            lastIngestedAt = max(lastIngestedAt, now)
            defer { nextSequence += UInt64(taken.count) }
            let life = life(at: lastIngestedAt)
            return Taken(
                waiting: taken, firstSequence: nextSequence, voidFrom: voidFrom, ingestedAt: lastIngestedAt, life: life,
                writer: writerInUse(for: life))
        }

        /// The one that wrote the batch before; nil when the day has changed, its segment is full, or it failed.
        private func writerInUse(for life: SegmentLife) -> SegmentWriter? {
            guard let writer, life.covers(writer.identity), writer.hasRoom, !segments.isCurrentFull else { return nil }
            return writer
        }

        var highestSequence: UInt64 { nextSequence - 1 }
        /// What has higher sequences is not visible yet, if it ever is.
        var settledSequence: UInt64 { voidFrom - 1 }

        private mutating func life(at instant: Instant) -> SegmentLife {
            if let life, life.hours.contains(instant) { return life }
            let begun = SegmentLife(policy, at: instant)
            life = begun
            return begun
        }

        /// Records of the day, those that wait among them.
        private mutating func recordsOfDay(at now: Instant) -> UInt64 {
            guard meter.limitsDays else { return 0 }
            return segments.records(of: life(at: max(now, lastIngestedAt))) + UInt64(waiting.count)
        }

        /// Makes a durable batch visible.
        ///
        /// - Parameter segment: what was written to, without an index.
        mutating func publish(
            _ batch: Taken, _ records: [NewRecord], location: BatchLocation, writer: SegmentWriter, segment: Segment
        ) -> Decisions {
            self.writer = writer
            hasFailed = false
            voidFrom = location.lastSequence + 1
            segments.publish(records, location, voidFrom: batch.voidFrom, of: segment)
            let expiry = writer.identity.expiry
            let stored = Result<Appended, DatasetError>.success(.stored(ingestedAt: batch.ingestedAt, expiresAt: expiry))
            var decisions = Decisions()
            for (index, record) in records.enumerated() {
                let (entry, fingerprint) = (batch.waiting[index], record.submission.fingerprint)
                pending.remove(fingerprint)
                decisions.add(.answer(stored), entry)
                guard !repeats.isEmpty else { continue }
                let known = KnownRecord(
                    content: record.body.content, sequence: location.firstSequence + UInt64(index), ingestedAt: batch.ingestedAt)
                for entry in takeRepeats(of: fingerprint) { decisions.add(.isKnown(known, expiresAt: expiry), entry) }
            }
            for watcher in watchers.values { watcher.yield() }
            return decisions
        }

        /// Gives up a batch whose write or sync failed, and its segment with it.
        mutating func fail(_ batch: Taken, _ error: DatasetError) -> Decisions {
            if let writer {
                segments.fail(batch.firstSequence..<batch.firstSequence + UInt64(batch.waiting.count), of: writer.identity.id)
            }
            writer = nil
            hasFailed = true
            var decisions = Decisions()
            for entry in batch.waiting {
                pending.remove(entry.submission.fingerprint)
                for entry in [entry] + takeRepeats(of: entry.submission.fingerprint) {
                    decisions.add(.answer(.failure(error)), entry)
                }
            }
            return decisions
        }

        private mutating func takeRepeats(of fingerprint: Fingerprint) -> [Entry] {
            let taken = repeats.removeValue(forKey: fingerprint) ?? []
            let size = taken.reduce(0) { $0 + $1.submission.size }
            waitingBytes -= size
            repeatedBytes -= size
            return taken
        }

        // MARK: Segments

        /// Forgets what has expired; all that is to be destroyed by now.
        mutating func expire(now: Instant) -> [Expired] {
            // No record is added to a day that is over so long.
            if let identity = writer?.identity, identity.expiry <= now { writer = nil }
            return segments.expire(now: now)
        }

        /// Ends the segment that is being written: the next batch begins another one.
        mutating func endSegment() {
            writer = nil
            segments.closeCurrent()
        }

        /// Whether the segment that is being written is to be ended, to be compressed: nobody has written for long, and it is worth it.
        func segmentIsToEnd(now: Instant, isForced: Bool) -> Bool {
            guard !isForced else { return true }
            let isIdle = lastIngestedAt.milliseconds <= now.milliseconds - Int64(Limits.compactionIdleSeconds) * 1000
            return isIdle && segments.currentSize >= Limits.compactionBytes
        }

        /// Whether somebody writes.
        func isBusy(now: Instant) -> Bool {
            waitingBytes > 0 || lastIngestedAt.milliseconds > now.milliseconds - 1000
        }

        /// Changes what is known of the segments on disk.
        mutating func changeSegments<Value>(_ body: (inout SegmentList) -> Value) -> Value { body(&segments) }
    }
}

extension KnownRecord {
    /// What a submission of the same id is answered.
    func answer(to content: Fingerprint, expiresAt: Instant) -> Result<RecordStore.Appended, DatasetError> {
        guard content == self.content else { return .failure(.conflict) }
        return .success(.duplicate(ingestedAt: ingestedAt, expiresAt: expiresAt))
    }
}

extension DatasetError {
    static let closing = DatasetError(.closed, "the dataset is closing")
    static let conflict = DatasetError(.conflict, "a message with this id but other content is already stored")
}
