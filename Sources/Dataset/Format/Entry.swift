package import Model

/// What is handed to the dataset for one message: what decides about it, and the rest, which is made where there is time for it.
package struct Submission: Sendable {
    /// What is only looked at when the record is written, or compared.
    package struct Body: Sendable {
        /// SHA-256 of the content: the same id again is a duplicate only with the same.
        package let contentSHA256: [UInt8]
        /// What records are counted by, day by day.
        package let group: Term
        /// What it is found by, beside its id and its group.
        package let terms: [Term]
        /// The record as the caller encodes it, in pieces that follow one another; the dataset does not look into it.
        package let payload: [[UInt8]]

        /// - Precondition: `contentSHA256` has 32 bytes. Of the terms the first `Limits.termsPerRecord` count.
        package init(contentSHA256: [UInt8], group: Term, terms: [Term] = [], payload: [[UInt8]]) {
            precondition(contentSHA256.count == 32, "SHA-256 has 32 bytes")
            self.contentSHA256 = contentSHA256
            self.group = group
            self.terms = terms.count <= Limits.termsPerRecord ? terms : Array(terms.prefix(Limits.termsPerRecord))
            self.payload = payload
        }

        /// Of the content.
        var content: Fingerprint { Fingerprint(digest: contentSHA256) }
    }

    /// uid of the process that handed it over.
    package let submitter: UInt32
    /// Where it came from, such as a connection: those that wait take turns by it, and keep their order within it.
    package let source: UInt64
    /// The sender's id, unique for its submitter.
    package let id: MessageID
    /// Bytes it takes in a batch, about.
    let size: Int
    /// Of submitter and id, the scope of which is the submitter: nobody can probe or squat another's.
    let fingerprint: Fingerprint
    private let make: @Sendable () -> Body

    /// - Parameters:
    ///   - bytes: of the payload, about: what it is counted as while it waits.
    ///   - body: makes the same each time; called on any thread, some of the time more than once.
    package init(
        submitter: UInt32, source: UInt64 = 0, id: MessageID, bytes: Int, body: @escaping @Sendable () -> Body
    ) {
        self.submitter = submitter
        self.source = source
        self.id = id
        size = bytes + id.value.utf8.count + Submission.overhead
        fingerprint = Fingerprint(submitter: submitter, id: id)
        make = body
    }

    /// All that is not known before it is asked for: takes as long as hashing the content does.
    package var body: Body { make() }

    /// What goes with any submission, whatever is in it.
    static let overhead = 72
}

/// A submission that is being written; an object, as it is looked at in several places.
final class NewRecord: Sendable {
    let submission: Submission
    let body: Submission.Body

    init(_ submission: Submission) {
        self.submission = submission
        body = submission.body
    }
}

/// A record as the dataset keeps it.
package struct StoredRecord: Hashable, Sendable {
    /// Its number in the dataset, from 1.
    package let sequence: UInt64
    /// When its batch was taken to be written.
    package let ingestedAt: Instant
    /// From this instant on nothing shows it.
    package let expiresAt: Instant
    /// uid of the process that handed it over.
    package let submitter: UInt32
    /// The sender's id, unique for its submitter.
    package let id: MessageID
    /// SHA-256 of the content, as its submitter's duplicates are told by.
    package let contentSHA256: [UInt8]
    /// What it is counted by.
    package let group: Term
    /// What it is found by, beside its id and its group.
    package let terms: [Term]
    /// The record as its caller encoded it.
    package let payload: [UInt8]

    /// All that it is found by.
    var allTerms: [Term] { [group] + terms }

    /// What is to be known of it.
    var known: KnownRecord {
        KnownRecord(content: Fingerprint(digest: contentSHA256), sequence: sequence, ingestedAt: ingestedAt)
    }

    var fingerprint: Fingerprint { Fingerprint(submitter: submitter, id: id) }
}

/// What is known of a record by its submitter's id.
struct KnownRecord: Hashable, Sendable {
    let content: Fingerprint
    let sequence: UInt64
    let ingestedAt: Instant
    /// It was erased: its id is not free, but there is nothing to be read.
    var isErased = false
}

/// The records' bytes within a batch. See Format.md beside this file.
enum EntryCoding {
    private static let fixedSize = 4 + 4 + 4 + 32 + 8 + 2 + 2

    /// Records that are new, of one time, with sequences without gaps.
    static func encode(_ records: [NewRecord]) -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes.reserveCapacity(records.reduce(0) { $0 + $1.submission.size + $1.body.terms.count * 8 })
        for (offset, record) in records.enumerated() {
            write(
                &writer, sequenceOffset: UInt32(offset), timeOffset: 0, submitter: record.submission.submitter,
                content: record.body.contentSHA256, group: record.body.group, terms: record.body.terms, id: record.submission.id,
                payload: record.body.payload)
        }
        return writer.bytes
    }

    /// Records that are there already, in the order of their sequences, none more than 2^32 numbers or milliseconds from the first.
    static func encode(_ records: some Collection<StoredRecord>) -> [UInt8] {
        var writer = ByteWriter()
        guard let first = records.first else { return [] }
        for record in records {
            write(
                &writer, sequenceOffset: UInt32(record.sequence - first.sequence),
                timeOffset: UInt32(max(0, record.ingestedAt.milliseconds - first.ingestedAt.milliseconds)),
                submitter: record.submitter, content: record.contentSHA256, group: record.group, terms: record.terms,
                id: record.id, payload: [record.payload])
        }
        return writer.bytes
    }

    private static func write(
        _ writer: inout ByteWriter, sequenceOffset: UInt32, timeOffset: UInt32, submitter: UInt32, content: [UInt8], group: Term,
        terms: [Term], id: MessageID, payload: [[UInt8]]
    ) {
        writer.write(UInt32(fixedSize + terms.count * 8 + id.value.utf8.count + payload.reduce(0) { $0 + $1.count }))
        writer.write(sequenceOffset)
        writer.write(timeOffset)
        writer.write(submitter)
        writer.write(content)
        writer.write(group.fingerprint)
        writer.write(UInt16(terms.count))
        for term in terms { writer.write(term.fingerprint) }
        writer.writeShort(id.value)
        for piece in payload { writer.write(piece) }
    }

    /// Nil when the bytes are not exactly `header.count` entries in the order of their sequences, the last one's as the header says.
    static func decode(_ bytes: [UInt8], header: Batch.Header, expiry: Instant) -> [StoredRecord]? {
        var reader = ByteReader(bytes[...])
        var records: [StoredRecord] = []
        for _ in 0..<header.count {
            guard let length = reader.read(UInt32.self), let entry = reader.read(Int(length)),
                let record = record(entry, header: header, expiry: expiry), record.sequence > records.last?.sequence ?? 0
            else { return nil }
            records.append(record)
        }
        return reader.remaining == 0 && records.last?.sequence == header.lastSequence ? records : nil
    }

    private static func record(_ entry: ArraySlice<UInt8>, header: Batch.Header, expiry: Instant) -> StoredRecord? {
        var fields = ByteReader(entry)
        guard let sequence = fields.read(UInt32.self), let time = fields.read(UInt32.self),
            let submitter = fields.read(UInt32.self), let content = fields.read(32), let group = fields.read(UInt64.self),
            let termCount = fields.read(UInt16.self), let terms = fields.read(UInt64.self, count: Int(termCount)),
            let text = fields.readShort(), let id = try? MessageID(text), let payload = fields.read(fields.remaining)
        else { return nil }
        return StoredRecord(
            sequence: header.firstSequence + UInt64(sequence),
            ingestedAt: Instant(milliseconds: header.ingestedAt.milliseconds + Int64(time)), expiresAt: expiry,
            submitter: submitter, id: id, contentSHA256: Array(content), group: Term(fingerprint: group),
            terms: terms.map(Term.init(fingerprint:)), payload: Array(payload))
    }
}

/// What is left of an erased record: enough to know its id again, and nothing of what it was.
struct Tombstone: Hashable, Sendable {
    let fingerprint: Fingerprint
    let known: KnownRecord

    /// ```
    /// fingerprint 16 | of the content 16 | sequence u64 | ingested i64 (ms)
    /// ```
    static let size = 48

    static func encode(_ tombstones: [Tombstone]) -> [UInt8] {
        var writer = ByteWriter()
        for tombstone in tombstones {
            writer.write(tombstone.fingerprint)
            writer.write(tombstone.known.content)
            writer.write(tombstone.known.sequence)
            writer.write(tombstone.known.ingestedAt.milliseconds)
        }
        return writer.bytes
    }

    /// Nil when the bytes are not exactly so many.
    static func decode(_ bytes: [UInt8], count: UInt32) -> [Tombstone]? {
        var reader = ByteReader(bytes[...])
        var tombstones: [Tombstone] = []
        for _ in 0..<count {
            guard let fingerprint = reader.readFingerprint(), let content = reader.readFingerprint(),
                let sequence = reader.read(UInt64.self), let time = reader.read(Int64.self)
            else { return nil }
            tombstones.append(
                Tombstone(
                    fingerprint: fingerprint,
                    known: KnownRecord(
                        content: content, sequence: sequence, ingestedAt: Instant(milliseconds: time), isErased: true)))
        }
        return reader.remaining == 0 ? tombstones : nil
    }
}
