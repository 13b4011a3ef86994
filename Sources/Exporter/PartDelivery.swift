import Crypto
import Destinations
import Dispatch
import Formats
import Model
import Synchronization

/// The data files of a run on their way: records in the order of their sequences, one file after the other.
struct PartDelivery {
    private let export: Export
    private let storage: any Storage
    private let encryption: Export.Encryption?
    /// Names of what earlier attempts delivered or began, by number.
    private let known: [String]
    /// What is at the destination, in order.
    private(set) var parts: [DeliveredPart]
    /// What is absent after the last of them.
    private(set) var absent: [Manifest.Absent] = []
    /// Sequences without a record since the last of them, whose reasons are not known yet: they are asked for together.
    private var gaps: [ClosedRange<UInt64>] = []
    /// The last sequence that was written, or known to be absent.
    private var cursor: UInt64
    /// What comes after a sequence, read while what came before was written.
    private var ahead: (after: UInt64, records: Result<[Record]?, any Error>)?

    init(_ export: Export, _ storage: any Storage, _ encryption: Export.Encryption?, parts: [Export.Part], kept: [DeliveredPart])
    {
        self.export = export
        self.storage = storage
        self.encryption = encryption
        known = parts.map(\.name)
        self.parts = kept
        cursor = kept.last?.file.lastSequence ?? export.run.after
    }

    mutating func run(_ host: some RunHost) throws {
        while let first = try next(host) { try deliverFile(from: first, host) }
        skip(through: export.run.through)
        absent = try host.absences(in: gaps)
    }

    /// The next records that are not delivered; nil: there are none.
    private mutating func next(_ host: some RunHost) throws -> [Record]? {
        if let stop = host.stop { throw Export.Failure.stopped(stop) }
        defer { ahead = nil }
        if let ahead, ahead.after == cursor { return try ahead.records.get() }
        return try read(host, after: cursor)
    }

    private func read(_ host: some RunHost, after sequence: UInt64) throws -> [Record]? {
        let through = export.run.through
        return sequence < through ? try host.records(after: sequence, through: through) : nil
    }

    private mutating func deliverFile(from first: [Record], _ host: some RunHost) throws {
        let number = parts.count
        let settings = export.dataflow.settings
        let name =
            "part-\(String(repeating: "0", count: max(0, 5 - "\(number)".count)))\(number)-\(export.run.id)"
            + ".\(RowFile.nameExtension(export.dataflow.format, settings.compression))"
            + (encryption == nil ? "" : ".gpg")
        if number >= known.count || known[number] != name {
            try storage.requireFree(name, in: export.run.folder)
            // From here on it is ours, and may be replaced.
            try host.beginPart(number, named: name)
        }
        var file = try PartFile(
            storage.begin(name, in: export.run.folder), encryption,
            RowFile(
                format: export.dataflow.format, compression: settings.compression, includesRaw: settings.includeRaw,
                metadata: export.fileMetadata))
        do {
            var batch: [Record]? = first
            while let records = batch {
                try write(records, to: &file, host)
                host.progress(totals(with: file))
                batch = file.isFull(settings.fileSizeLimit) ? nil : try next(host)
            }
            try file.finish()
            absent = try host.absences(in: gaps)
        } catch {
            file.discard()
            throw error
        }
        let part = DeliveredPart(file: try file.publish(name, in: export.run.folder), absent: absent)
        parts.append(part)
        gaps = []
        try host.endPart(number, part)
    }

    /// Writes as many as the file may have, and reads what comes after them meanwhile.
    private mutating func write(_ records: [Record], to file: inout PartFile, _ host: some RunHost) throws {
        let last = records.last?.sequence ?? cursor
        let reader = self
        var written: Result<Void, any Error> = .success(())
        let read = whileReading {
            Result { try reader.read(host, after: last) }
        } do: {
            written = Result { try append(records, to: &file) }
        }
        ahead = (last, read)
        try written.get()
    }

    private mutating func append(_ records: [Record], to file: inout PartFile) throws {
        for record in records where !file.isFull(export.dataflow.settings.fileSizeLimit) {
            skip(through: record.sequence - 1)
            try file.append(record)
            cursor = record.sequence
        }
    }

    private func totals(with file: borrowing PartFile) -> Run.Totals {
        let exported = parts.reduce(0) { $0 + $1.file.records } + file.records
        let bytes = parts.reduce(0) { $0 + UInt64($1.file.size) } + UInt64(file.written)
        return Run.Totals(received: exported, exported: exported, skipped: 0, files: UInt32(parts.count), bytes: bytes)
    }

    /// What is between the cursor and a sequence, that one included, is not there.
    private mutating func skip(through sequence: UInt64) {
        guard sequence > cursor else { return }
        gaps.append(cursor + 1...sequence)
        cursor = sequence
    }
}

/// Does something while something else is read on another thread; returns that when both are done. Blocks.
private func whileReading<Value: Sendable>(_ read: @escaping @Sendable () -> Value, do body: () -> Void) -> Value {
    let value = Mutex<Value?>(nil)
    let group = DispatchGroup()
    DispatchQueue.global().async(group: group) { value.withLock { $0 = read() } }
    body()
    group.wait()
    guard let read = value.withLock({ $0 }) else { preconditionFailure("the group has ended") }
    return read
}

/// A data file on its way: rows in, hashed bytes out.
struct PartFile: ~Copyable {
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

    mutating func append(_ record: Record) throws(DestinationError) {
        last = (record.sequence, record.ingestedAt)
        first = first ?? last
        records += 1
        try write(rows.append(record))
    }

    private mutating func write(_ bytes: [UInt8]) throws(DestinationError) {
        guard !bytes.isEmpty else { return }
        hash.update(data: bytes)
        try upload.write(bytes)
        written += Int64(bytes.count)
    }

    /// Writes the last bytes.
    mutating func finish() throws(DestinationError) {
        try write(rows.finish())
    }

    /// Gives the finished file its name.
    consuming func publish(_ name: String, in folder: String) throws(DestinationError) -> Manifest.File {
        try upload.publish()
        let content = hexadecimal(hash.finalize())
        return Manifest.File(
            sinkPath: folder, name: name, size: upload.size, records: records, firstSequence: first?.sequence ?? 0,
            lastSequence: last?.sequence ?? 0, firstIngestedAt: first?.ingestedAt.description ?? "",
            lastIngestedAt: last?.ingestedAt.description ?? "", sha256: encrypted?.sha256 ?? content,
            contentSha256: encrypted == nil ? nil : content)
    }

    consuming func discard() {
        upload.discard()
    }
}
