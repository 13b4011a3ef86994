import Model

extension RecordStore {
    /// All that changes in a dataset, as a value: no disk, no clock, no threads.
    struct State {
        /// What is known of a submitter's message id.
        enum Slot {
            /// Waits for its commit.
            case pending(contentSHA256: [UInt8])
            case retained(Retained)
        }

        struct Retained {
            let contentSHA256: [UInt8]
            let sequence: UInt64
            let ingestedAt: Instant
            let expiresAt: Instant
        }

        struct Waiting {
            let submission: Submission
            let completion: Completion
        }

        /// What the writer took to commit.
        struct Taken {
            let waiting: [Waiting]
            let firstSequence: UInt64
            let voidFrom: UInt64
            let ingestedAt: Instant
            let life: SegmentLife
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
            case waits
            /// It waits, and nobody is writing: the caller must start the writer.
            case waitsForNewWriter
        }

        var index: [RecordKey: Slot] = [:]
        var submitters: Set<UInt32> = []
        private(set) var segments: [Segment]
        /// Segments whose time is over, and that are on disk still.
        private var expired: [Expired]
        var isClosed = false
        /// Whether the last batch could not be written.
        private(set) var hasFailed = false

        private var waiting = FairQueue<Waiting>()
        /// For so many batches to come nobody has much of one: somebody with few records may come again.
        private var batchesShared = 0
        /// Repeats of what waits or is being written: they share its end.
        private var repeats: [RecordKey: [Completion]] = [:]
        /// What `waiting` and `repeats` take, about.
        private var waitingBytes = 0
        private var isWriting = false
        private var writer: SegmentWriter?
        private var nextSequence: UInt64
        /// The first sequence after the last batch that succeeded.
        private var voidFrom: UInt64
        private var lastIngestedAt = Instant(milliseconds: .min)
        /// Decides about days that have not begun.
        var policy: RetentionPolicy
        /// That of the day that has.
        private var life: SegmentLife?

        init(nextSequence: UInt64, segments: [Segment], expired: [Expired], policy: RetentionPolicy) {
            self.nextSequence = nextSequence
            self.segments = segments
            self.expired = expired
            self.policy = policy
            life = segments.last.flatMap { SegmentLife($0.identity) }
            // What recovery found is served, failed or not: from here on it counts.
            voidFrom = nextSequence
        }

        /// Takes in a record that was found on disk.
        mutating func recover(_ record: Recovery.Record) {
            index[record.key] = .retained(record.retained)
            submitters.insert(record.key.submitter)
            lastIngestedAt = max(lastIngestedAt, record.retained.ingestedAt)
        }

        /// Decides about a submission: answers it, or lets it wait for its commit.
        mutating func take(
            _ submission: Submission, keep: Bool, now: Instant, completion: @escaping Completion
        ) -> Decision {
            guard !isClosed else { return .answer(.failure(DatasetError(.closed, "the dataset is closing"))) }
            let conflict = DatasetError(.conflict, "a message with this id but other content is already stored")
            switch index[submission.key] {
            case .retained(let retained) where retained.expiresAt > now:
                guard retained.contentSHA256 == submission.contentSHA256 else { return .answer(.failure(conflict)) }
                return .answer(.success(.duplicate(ingestedAt: retained.ingestedAt, expiresAt: retained.expiresAt)))
            case .pending(let hash):
                guard hash == submission.contentSHA256 else { return .answer(.failure(conflict)) }
                guard waitingBytes + Submission.overhead <= Limits.pendingBytes else { return .answer(.failure(tooMuch)) }
                repeats[submission.key, default: []].append(completion)
                waitingBytes += Submission.overhead
                return .waits
            case .retained, nil:
                guard keep else { return .answer(.success(.notKept)) }
            }
            // One that is larger than the limit on its own is taken when nothing else waits.
            guard waiting.isEmpty || waitingBytes + submission.size <= Limits.pendingBytes else {
                return .answer(.failure(tooMuch))
            }
            index[submission.key] = .pending(contentSHA256: submission.contentSHA256)
            waiting.append(Waiting(submission: submission, completion: completion), of: submission.source)
            waitingBytes += submission.size
            defer { isWriting = true }
            return isWriting ? .waits : .waitsForNewWriter
        }

        private var tooMuch: DatasetError {
            DatasetError(.full, "\(waitingBytes) bytes already wait for the disk; try again later")
        }

        /// What to commit next; nil when nothing waits, and then nobody writes any more.
        mutating func nextBatch(now: Instant) -> Taken? {
            guard !waiting.isEmpty else {
                isWriting = false
                return nil
            }
            let share = batchesShared > 0 ? Limits.batchShareBytes : Limits.batchBytes
            let (taken, size, fewest) = waiting.take(
                atMost: Limits.batchRecords, bytes: Limits.batchBytes, share: share, size: \.submission.size)
            batchesShared = fewest <= Limits.batchFewRecords ? Limits.batchesShared : max(0, batchesShared - 1)
            waitingBytes -= size
            lastIngestedAt = max(lastIngestedAt, now)
            defer { nextSequence += UInt64(taken.count) }
            return Taken(
                waiting: taken, firstSequence: nextSequence, voidFrom: voidFrom, ingestedAt: lastIngestedAt,
                life: life(at: lastIngestedAt), writer: writer)
        }

        var highestSequence: UInt64 { nextSequence - 1 }

        /// Forgets what has expired; all that is to be destroyed by now.
        mutating func expire(now: Instant) -> [Expired] {
            let over = segments.filter { $0.identity.expiry <= now }
            if !over.isEmpty {
                segments.removeAll { $0.identity.expiry <= now }
                index = index.filter { _, slot in
                    if case .retained(let retained) = slot { retained.expiresAt > now } else { true }
                }
                // No record is added to a day that is over so long.
                if let identity = writer?.segment.identity, identity.expiry <= now { writer = nil }
                expired += over.map { Expired($0.identity, batches: $0.batches) }
            }
            return expired
        }

        /// These are gone.
        mutating func forget(_ destroyed: [Expired]) {
            expired.removeAll { destroyed.contains($0) }
        }

        private mutating func life(at instant: Instant) -> SegmentLife {
            if let life, life.hours.contains(instant) { return life }
            let begun = SegmentLife(policy, at: instant)
            life = begun
            return begun
        }

        /// Makes a durable batch visible.
        mutating func publish(_ batch: Taken, location: BatchLocation, writer: SegmentWriter) -> [Answer] {
            self.writer = writer
            hasFailed = false
            voidFrom = batch.firstSequence + UInt64(batch.waiting.count)
            let identity = writer.segment.identity
            if let last = segments.indices.last, segments[last].identity.id == identity.id {
                segments[last].batches.append(location)
            } else {
                var segment = writer.segment
                segment.batches = [location]
                segments.append(segment)
            }
            var answers: [Answer] = []
            for (offset, entry) in batch.waiting.enumerated() {
                index[entry.submission.key] = .retained(
                    Retained(
                        contentSHA256: entry.submission.contentSHA256, sequence: batch.firstSequence + UInt64(offset),
                        ingestedAt: batch.ingestedAt, expiresAt: identity.expiry))
                submitters.insert(entry.submission.submitter)
                let stored = Appended.stored(ingestedAt: batch.ingestedAt, expiresAt: identity.expiry)
                let duplicate = Appended.duplicate(ingestedAt: batch.ingestedAt, expiresAt: identity.expiry)
                answers.append(Answer(completion: entry.completion, result: .success(stored)))
                answers += takeRepeats(of: entry.submission.key).map { Answer(completion: $0, result: .success(duplicate)) }
            }
            return answers
        }

        /// Gives up a batch whose write or sync failed, and its segment with it.
        mutating func fail(_ batch: Taken, _ error: DatasetError) -> [Answer] {
            writer = nil
            hasFailed = true
            return batch.waiting.flatMap { entry in
                index[entry.submission.key] = nil
                let completions = [entry.completion] + takeRepeats(of: entry.submission.key)
                return completions.map { Answer(completion: $0, result: .failure(error)) }
            }
        }

        private mutating func takeRepeats(of key: RecordKey) -> [Completion] {
            let taken = repeats.removeValue(forKey: key) ?? []
            waitingBytes -= taken.count * Submission.overhead
            return taken
        }

        /// Sequences of the visible records with an id, in the order of their submitters.
        func sequences(of id: MessageID, now: Instant) -> [UInt64] {
            submitters.sorted().compactMap { submitter in
                guard case .retained(let retained) = index[RecordKey(submitter: submitter, id: id)], retained.expiresAt > now
                else {
                    return nil
                }
                return retained.sequence
            }
        }

        /// The first visible batch with a record after `cursor`. The segment comes without its list of batches, which is the writer's.
        func place(after cursor: UInt64, now: Instant) -> (Segment, BatchLocation)? {
            for segment in segments where segment.identity.expiry > now {
                if let batch = segment.batch(after: cursor) {
                    return (segment.withoutBatches, batch)
                }
            }
            return nil
        }

        /// The last visible batch with a record before `sequence`.
        func place(before sequence: UInt64, now: Instant) -> (Segment, BatchLocation)? {
            for segment in segments.reversed() where segment.identity.expiry > now {
                if let batch = segment.batch(before: sequence) { return (segment.withoutBatches, batch) }
            }
            return nil
        }

        /// What is visible, by days, the oldest first.
        func contents(now: Instant) -> Contents {
            var contents = Contents()
            for segment in segments where segment.identity.expiry > now {
                guard let first = segment.batches.first, let last = segment.batches.last else { continue }
                if contents.firstSequence == 0 { contents.firstSequence = first.header.firstSequence }
                contents.lastSequence = last.header.lastSequence
                var day = contents.days[segment.identity.day] ?? .init(expiry: segment.identity.expiry)
                day.records += segment.batches.reduce(0) { $0 + UInt64($1.header.count) }
                day.segments += 1
                day.bytes += UInt64(segment.size)
                day.expiry = max(day.expiry, segment.identity.expiry)
                contents.days[segment.identity.day] = day
            }
            return contents
        }

        func count(after: UInt64, through: UInt64, now: Instant) -> UInt64 {
            var count: UInt64 = 0
            for segment in segments where segment.identity.expiry > now {
                for batch in segment.batches {
                    let first = max(batch.header.firstSequence, after + 1)
                    let last = min(batch.header.lastSequence, through)
                    if first <= last { count += last - first + 1 }
                }
            }
            return count
        }

        func totals(now: Instant) -> Totals {
            var totals = Totals(lastSequence: segments.last?.batches.last?.header.lastSequence ?? 0)
            totals.records = count(after: 0, through: .max, now: now)
            for segment in segments where segment.identity.expiry > now {
                totals.segments += 1
                totals.bytes += UInt64(segment.size)
            }
            return totals
        }
    }
}
