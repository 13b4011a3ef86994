import Crypto
import Destinations
import Dispatch
import Formats
import Model

/// A data file on its way: rows in, hashed bytes out.
final class PartFile {
    private let upload: any Upload
    /// The same, where it is encrypted.
    private let encrypted: EncryptedUpload?
    private var rows: RowFile
    private var hash = SHA256()
    private var first: (sequence: UInt64, ingestedAt: Instant)?
    private var last: (sequence: UInt64, ingestedAt: Instant)?
    private(set) var records: UInt64 = 0
    /// Bytes of its content so far.
    private(set) var written: Int64 = 0

    init(_ upload: any Upload, _ encryption: Export.Encryption?, _ rows: RowFile) throws(DestinationError) {
        encrypted = try encryption.map { (encryption) throws(DestinationError) in
            do throws(DestinationError) {
                return try encryption.gpg.encrypted(upload, to: encryption.keys, encryption.patience)
            } catch {
                upload.discard()
                throw error
            }
        }
        self.upload = encrypted ?? upload
        self.rows = rows
    }

    func isFull(_ limit: UInt64) -> Bool { UInt64(written) + UInt64(rows.pendingBytes) >= limit }

    func append(_ record: Record) throws(DestinationError) {
        last = (record.sequence, record.ingestedAt)
        first = first ?? last
        records += 1
        try write(rows.append(record))
    }

    private func write(_ bytes: [UInt8]) throws(DestinationError) {
        guard !bytes.isEmpty else { return }
        hash.update(data: bytes)
        try upload.write(bytes)
        written += Int64(bytes.count)
    }

    /// Writes the last bytes.
    func finish() throws(DestinationError) {
        try write(rows.finish())
    }

    /// Gives the finished file its name.
    func publish(_ name: String, in folder: String) throws(DestinationError) -> Manifest.File {
        try upload.publish()
        let content = hexadecimal(hash.finalize())
        return Manifest.File(
            sinkPath: folder, name: name, size: upload.size, records: records, firstSequence: first?.sequence ?? 0,
            lastSequence: last?.sequence ?? 0, firstIngestedAt: first?.ingestedAt.description ?? "",
            lastIngestedAt: last?.ingestedAt.description ?? "", sha256: encrypted?.sha256 ?? content,
            contentSha256: encrypted == nil ? nil : content)
    }

    func discard() {
        upload.discard()
    }
}

/// A finished file whose name is given: beside whatever else is done, where that takes long.
final class Publication: @unchecked Sendable {
    let number: Int
    private let absent: [Manifest.Absent]
    /// Set by whoever gives the name, read when that has ended.
    private var published: Result<Manifest.File, any Error>?
    private let group = DispatchGroup()

    /// - Parameter isAside: whether it is done on a thread of its own; else it is done when this returns.
    init(_ file: PartFile, number: Int, _ name: String, in folder: String, _ absent: [Manifest.Absent], isAside: Bool) {
        self.number = number
        self.absent = absent
        let unsafe = Unshared(file: file)
        let publish = { @Sendable [self] in published = Result { try unsafe.file.publish(name, in: folder) } }
        if isAside { DispatchQueue(label: "publication").async(group: group, execute: publish) } else { publish() }
    }

    /// What was delivered. Blocks until it is.
    func part() throws -> DeliveredPart {
        group.wait()
        guard let published else { preconditionFailure("the group has ended") }
        return DeliveredPart(file: try published.get(), absent: absent)
    }

    /// A file that nobody uses any more but who has this.
    private struct Unshared: @unchecked Sendable {
        let file: PartFile
    }
}
