package import Model

/// What is handed to the dataset for one message.
package struct Submission: Sendable {
    /// uid of the process that handed it over.
    package let submitter: UInt32
    /// Where it came from, such as a connection: those that wait take turns by it, and keep their order within it.
    package let source: UInt64
    /// The sender's id, unique for its submitter.
    package let id: MessageID
    /// SHA-256 of the content: the same id again is a duplicate only with the same.
    package let contentSHA256: [UInt8]
    /// The record as the caller encodes it; the dataset does not look into it.
    package let payload: [UInt8]

    package init(submitter: UInt32, source: UInt64 = 0, id: MessageID, contentSHA256: [UInt8], payload: [UInt8]) {
        precondition(contentSHA256.count == 32, "SHA-256 has 32 bytes")
        self.submitter = submitter
        self.source = source
        self.id = id
        self.contentSHA256 = contentSHA256
        self.payload = payload
    }

    /// Scope of the id: nobody can probe or squat another's.
    var key: RecordKey { RecordKey(submitter: submitter, id: id) }

    /// Bytes it takes in a batch, about.
    var size: Int { payload.count + id.value.utf8.count + Submission.overhead }

    /// What goes with any submission, whatever is in it.
    static let overhead = 64
}

/// What no two retained records of a dataset share.
struct RecordKey: Hashable {
    let submitter: UInt32
    let id: MessageID
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
    /// The record as its caller encoded it.
    package let payload: [UInt8]
}

/// The records' bytes within a batch, each:
/// ```
/// length of the rest u32 | submitter u32 | content SHA-256 32 | id u16+n | payload
/// ```
enum EntryCoding {
    static func encode(_ submissions: [Submission]) -> [UInt8] {
        var writer = ByteWriter()
        writer.bytes.reserveCapacity(submissions.reduce(0) { $0 + $1.size })
        for submission in submissions {
            writer.write(UInt32(4 + 32 + 2 + submission.id.value.utf8.count + submission.payload.count))
            writer.write(submission.submitter)
            writer.write(submission.contentSHA256)
            writer.writeShort(submission.id.value)
            writer.write(submission.payload)
        }
        return writer.bytes
    }

    /// Nil when the bytes are not exactly `header.count` entries.
    static func decode(_ bytes: [UInt8], header: Batch.Header, expiry: Instant) -> [StoredRecord]? {
        var reader = ByteReader(bytes[...])
        var records: [StoredRecord] = []
        for offset in 0..<UInt64(header.count) {
            guard let length = reader.read(UInt32.self), let entry = reader.read(Int(length)) else { return nil }
            var fields = ByteReader(entry)
            guard let submitter = fields.read(UInt32.self), let hash = fields.read(32), let text = fields.readShort(),
                let id = try? MessageID(text), let payload = fields.read(fields.remaining)
            else { return nil }
            records.append(
                StoredRecord(
                    sequence: header.firstSequence + offset, ingestedAt: header.ingestedAt, expiresAt: expiry,
                    submitter: submitter, id: id, contentSHA256: Array(hash), payload: Array(payload)))
        }
        return reader.remaining == 0 ? records : nil
    }
}
