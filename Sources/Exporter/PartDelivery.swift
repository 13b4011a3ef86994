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
    /// The file after them, while its name is given.
    private var publication: Publication?
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
        do {
            while let first = try next(host) { try deliverFile(from: first, host) }
            try settle(host)
        } catch {
            // What is there is taken note of, so that it is not made again.
            try? settle(host)
            throw error
        }
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
        let number = parts.count + (publication == nil ? 0 : 1)
        let settings = export.dataflow.settings
        let name = name(number)
        if number >= known.count || known[number] != name {
            try storage.requireFree(name, in: export.run.folder)
            // From here on it is ours, and may be replaced.
            try host.beginPart(number, named: name)
        }
        let file = try PartFile(
            storage.begin(name, in: export.run.folder), encryption,
            RowFile(
                format: export.dataflow.format, compression: settings.compression, includesRaw: settings.includeRaw,
                metadata: export.fileMetadata))
        do {
            var batch: [Record]? = first
            while let records = batch {
                try write(records, to: file, host)
                host.progress(totals(with: file))
                batch = file.isFull(settings.fileSizeLimit) ? nil : try next(host)
            }
            try file.finish()
            absent = try host.absences(in: gaps)
        } catch {
            file.discard()
            throw error
        }
        gaps = []
        do { try settle(host) } catch {
            file.discard()
            throw error
        }
        publication = Publication(file, number: number, name, in: export.run.folder, absent, isAside: storage.isFar)
        if !storage.isFar { try settle(host) }
    }

    private func name(_ number: Int) -> String {
        let settings = export.dataflow.settings
        return "part-\(String(repeating: "0", count: max(0, 5 - "\(number)".count)))\(number)-\(export.run.id)"
            + ".\(RowFile.nameExtension(export.dataflow.format, settings.compression))" + (encryption == nil ? "" : ".gpg")
    }

    /// Takes note of the file whose name was being given.
    private mutating func settle(_ host: some RunHost) throws {
        guard let publication else { return }
        self.publication = nil
        let part = try publication.part()
        parts.append(part)
        try host.endPart(publication.number, part)
    }

    /// Writes as many as the file may have, and reads what comes after them meanwhile.
    private mutating func write(_ records: [Record], to file: PartFile, _ host: some RunHost) throws {
        let last = records.last?.sequence ?? cursor
        let reader = self
        var written: Result<Void, any Error> = .success(())
        let read = whileReading {
            Result { try reader.read(host, after: last) }
        } do: {
            written = Result { try append(records, to: file) }
        }
        ahead = (last, read)
        try written.get()
    }

    private mutating func append(_ records: [Record], to file: PartFile) throws {
        for record in records where !file.isFull(export.dataflow.settings.fileSizeLimit) {
            skip(through: record.sequence - 1)
            try file.append(record)
            cursor = record.sequence
        }
    }

    private func totals(with file: PartFile) -> Run.Totals {
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
