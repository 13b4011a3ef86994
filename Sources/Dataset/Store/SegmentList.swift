import Model

/// The segments of a dataset, with what is known of their ids. A value.
struct SegmentList: Sendable {
    /// What memory says of an id.
    enum Found {
        case unknown
        case known(KnownRecord, expiresAt: Instant)
        /// One of these may hold it; not all of their ids need be in memory yet.
        case perhaps([Segment])
    }

    /// What expires together, and is forgotten together.
    private struct Life {
        var table = IDTable()
        /// By slot, from 1.
        var segments: [SegmentID] = []
        /// Segments of which the table does not know all ids yet.
        var unloaded: Set<SegmentID> = []
    }

    /// Those to which nothing is added any more, in the order of their sequences.
    private(set) var closed: [Segment] = []
    /// The one that is being written.
    private var current: Segment?
    private var currentIndex = OpenIndex()
    private var currentSlot: IDTable.Slot = 0
    /// Of the segments that have no index file.
    private var openIDs: [SegmentID: OpenIDs] = [:]
    private var lives: [Instant: Life] = [:]
    /// Segments whose time is over, and that are on disk still.
    private var expired: [RecordStore.Expired] = []
    private var closedSize: UInt64 = 0
    private var nextExpiry = Instant(milliseconds: .max)

    init(_ recovery: consuming Recovery) {
        closed = recovery.segments
        openIDs = recovery.ids
        expired = recovery.expired
        for segment in closed {
            let slot = slot(of: segment.identity)
            if let ids = openIDs[segment.identity.id] {
                for (fingerprint, _) in ids.all { lives[segment.identity.expiry]?.table.insert(fingerprint, slot) }
            } else {
                lives[segment.identity.expiry]?.unloaded.insert(segment.identity.id)
            }
        }
        count()
    }

    // MARK: Ids

    func find(_ fingerprint: Fingerprint, now: Instant) -> Found {
        var perhaps: [Segment] = []
        for (expiry, life) in lives where expiry > now {
            if !life.unloaded.isEmpty {
                perhaps += closed.filter { $0.isSealed && life.unloaded.contains($0.identity.id) }
            }
            for slot in life.table.slots(of: fingerprint) {
                let id = life.segments[Int(slot) - 1]
                if let ids = openIDs[id] {
                    if let known = ids[fingerprint] { return .known(known, expiresAt: expiry) }
                } else if let segment = closed.first(where: { $0.identity.id == id }) {
                    perhaps.append(segment)
                }
            }
        }
        return perhaps.isEmpty ? .unknown : .perhaps(perhaps)
    }

    /// Ids in memory that are not in an index file, and all of them.
    var idCount: (open: Int, all: Int) {
        (openIDs.values.reduce(0) { $0 + $1.count }, lives.values.reduce(0) { $0 + $1.table.count })
    }

    /// Bytes of memory that the ids of sealed segments take.
    var idBytes: Int { lives.values.reduce(0) { $0 + $1.table.bytes } }

    /// The sealed segments whose ids are not in memory yet.
    var partial: [Segment] {
        closed.filter { $0.isSealed && lives[$0.identity.expiry]?.unloaded.contains($0.identity.id) == true }
    }

    /// Makes room for the ids of some segments, so that taking them in is fast.
    mutating func makeRoom(for segments: [Segment]) {
        for (expiry, some) in Dictionary(grouping: segments, by: \.identity.expiry) {
            let count = some.reduce(0) { sum, segment in
                if case .sealed(let index) = segment.index { sum + Int(index.summary.ids) } else { sum }
            }
            lives[expiry]?.table.makeRoom(for: count)
        }
    }

    /// Takes in ids of a sealed segment, as long as it is there.
    mutating func load(_ ids: [Fingerprint], of segment: SegmentIdentity) {
        // Taken out while it changes, so that it is changed in place.
        guard let place = lives[segment.expiry]?.segments.firstIndex(of: segment.id),
            var life = lives.removeValue(forKey: segment.expiry)
        else { return }
        for id in ids { life.table.insert(id, IDTable.Slot(place + 1)) }
        lives[segment.expiry] = life
    }

    /// All ids of a segment are in memory, if it is still there.
    mutating func endLoading(of segment: SegmentIdentity) {
        lives[segment.expiry]?.unloaded.remove(segment.id)
    }

    private mutating func slot(of identity: SegmentIdentity) -> IDTable.Slot {
        lives[identity.expiry, default: Life()].segments.append(identity.id)
        return IDTable.Slot(clamping: lives[identity.expiry]?.segments.count ?? 0)
    }

    /// Whether the day may have one more segment.
    func hasSlot(for expiry: Instant) -> Bool { (lives[expiry]?.segments.count ?? 0) < Limits.segmentsPerDay }

    // MARK: What there is

    /// A consistent view of what is visible.
    func visible(now: Instant) -> [Segment] {
        var visible = closed
        if var current {
            current.index = .open(currentIndex)
            visible.append(current)
        }
        return nextExpiry > now ? visible : visible.filter { $0.identity.expiry > now }
    }

    func contains(_ id: SegmentID, now: Instant) -> Bool {
        if let current, current.identity.id == id { return current.identity.expiry > now }
        return closed.contains { $0.identity.id == id && $0.identity.expiry > now }
    }

    /// Bytes of the data files.
    var size: UInt64 { closedSize + UInt64(currentIndex.size) }

    /// Bytes of the data file that is being written.
    var currentSize: Int64 { currentIndex.size }

    /// Records of a day that has begun.
    func records(of life: SegmentLife) -> UInt64 {
        let written = current.map { life.covers($0.identity) } == true ? currentIndex.records : 0
        return closed.reduce(written) { $0 + (life.covers($1.identity) ? $1.records : 0) }
    }

    /// Whether its index is as large as it may become.
    var isCurrentFull: Bool {
        currentIndex.records >= Limits.segmentRecords || currentIndex.postings.count >= Limits.segmentPostings
    }

    // MARK: Changes

    /// Makes a batch visible that is durable.
    mutating func publish(
        _ records: [NewRecord], _ location: BatchLocation, voidFrom: UInt64, of segment: Segment
    ) {
        let id = segment.identity.id
        let expiry = segment.identity.expiry
        if current?.identity.id != id {
            closeCurrent()
            current = segment
            currentSlot = slot(of: segment.identity)
            nextExpiry = min(nextExpiry, expiry)
        }
        currentIndex.append(location)
        if voidFrom < location.firstSequence { currentIndex.voids.append(voidFrom..<location.firstSequence) }
        // Taken out while they change, so that they are changed in place.
        var ids = openIDs.removeValue(forKey: id) ?? OpenIDs()
        var life = lives.removeValue(forKey: expiry) ?? Life()
        var sequence = location.firstSequence
        for record in records {
            let fingerprint = record.submission.fingerprint
            currentIndex.append(
                sequence: sequence, ingestedAt: location.ingestedAt, submitter: record.submission.submitter,
                group: record.body.group, terms: record.body.terms)
            ids[fingerprint] = KnownRecord(
                content: record.body.content, sequence: sequence, ingestedAt: location.ingestedAt)
            life.table.insert(fingerprint, currentSlot)
            sequence += 1
        }
        openIDs[id] = ids
        lives[expiry] = life
    }

    /// Takes note of sequences whose batch failed in the segment that is being written: whatever is on disk of it does not count.
    mutating func fail(_ sequences: Range<UInt64>, of segment: SegmentID) {
        guard current?.identity.id == segment, !sequences.isEmpty else { return }
        currentIndex.voids.append(sequences)
        currentIndex.noteSequence(sequences.upperBound - 1)
    }

    /// Sequences that failed batches had.
    var voids: [Range<UInt64>] {
        (closed + [current].compactMap { $0 }).flatMap { segment in
            switch segment.index {
            case .open(let index): segment.identity.id == current?.identity.id ? currentIndex.voids : index.voids
            case .sealed(let index): index.summary.voids
            }
        }
    }

    /// Nothing is added any more to the segment that was written.
    mutating func closeCurrent() {
        guard var segment = current else { return }
        segment.index = .open(currentIndex)
        closed.append(segment)
        (current, currentIndex) = (nil, OpenIndex())
        count()
    }

    /// A segment that has no index file and can have one, not one of these.
    func toBeSealed(but failed: Set<SegmentID>) -> (segment: Segment, index: OpenIndex, ids: OpenIDs)? {
        for segment in closed where !failed.contains(segment.identity.id) {
            if case .open(let index) = segment.index, let ids = openIDs[segment.identity.id] { return (segment, index, ids) }
        }
        return nil
    }

    /// Its index is in a file now.
    mutating func seal(_ segment: Segment, _ index: SealedIndex) {
        guard let place = closed.firstIndex(where: { $0.identity.id == segment.identity.id }) else { return }
        closed[place].index = .sealed(index)
        openIDs[segment.identity.id] = nil
    }

    /// Its index file cannot be used: it is in memory until there is another one.
    mutating func unseal(_ segment: SegmentID, _ index: OpenIndex, _ ids: OpenIDs) {
        guard let place = closed.firstIndex(where: { $0.identity.id == segment }), closed[place].isSealed else { return }
        closed[place].index = .open(index)
        openIDs[segment] = ids
        count()
    }

    /// Puts a segment in the place of those whose records it took over; false: they are gone, expired meanwhile, and so must it be.
    mutating func replace(_ replaced: [SegmentID], by segment: Segment) -> Bool {
        guard let place = closed.firstIndex(where: { replaced.contains($0.identity.id) }) else { return false }
        closed.removeAll { replaced.contains($0.identity.id) }
        closed.insert(segment, at: place)
        let expiry = segment.identity.expiry
        let named = lives[expiry]?.segments ?? []
        lives[expiry]?.segments = named.map { replaced.contains($0) ? segment.identity.id : $0 }
        // What is not known of those is not known of it.
        if let unloaded = lives[expiry]?.unloaded, !unloaded.isDisjoint(with: replaced) {
            lives[expiry]?.unloaded = unloaded.subtracting(replaced).union([segment.identity.id])
        }
        for id in replaced { openIDs[id] = nil }
        count()
        return true
    }

    /// Forgets what has expired; all that is to be destroyed by now.
    mutating func expire(now: Instant) -> [RecordStore.Expired] {
        guard nextExpiry <= now else { return expired }
        if let current, current.identity.expiry <= now { closeCurrent() }
        let over = closed.filter { $0.identity.expiry <= now }
        closed.removeAll { $0.identity.expiry <= now }
        for segment in over { openIDs[segment.identity.id] = nil }
        for expiry in Array(lives.keys) where expiry <= now { lives[expiry] = nil }
        expired += over.map(RecordStore.Expired.init)
        count()
        return expired
    }

    /// These are gone.
    mutating func forget(_ destroyed: [RecordStore.Expired]) {
        expired.removeAll { destroyed.contains($0) }
    }

    private mutating func count() {
        closedSize = closed.reduce(0) { $0 + UInt64($1.size) }
        nextExpiry = (closed + [current].compactMap { $0 }).map(\.identity.expiry).min() ?? Instant(milliseconds: .max)
    }
}
