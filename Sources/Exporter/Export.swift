import Crypto
import Destinations
package import Disk
import Formats
package import Model

/// One run of a dataflow: reads its window from a dataset and delivers it, data first, manifest last.
package struct Export: Sendable {
    /// The records of the window after a sequence, some at a time; nil: no more.
    package typealias Source = @Sendable (_ after: UInt64, _ through: UInt64) throws -> [Record]?

    /// Why a run did not succeed; its description tells people.
    package enum Failure: Error, CustomStringConvertible {
        case stopping
        case destination(DiskError)

        package var description: String {
            switch self {
            case .stopping: "the daemon is stopping"
            case .destination(let error): "the destination failed: \(error)"
            }
        }
    }

    /// Its window and folder are fixed.
    package let run: Run
    /// What to export, and in which shape.
    package let dataflow: Dataflow
    /// Where to.
    package let destination: Destination
    /// Name of the sandbox.
    package let sandbox: String
    /// Records of the window when it was fixed.
    package let expected: UInt64

    package init(run: Run, dataflow: Dataflow, destination: Destination, sandbox: String, expected: UInt64) {
        self.run = run
        self.dataflow = dataflow
        self.destination = destination
        self.sandbox = sandbox
        self.expected = expected
    }

    /// The folder of a run that starts at `instant`: `<dataset>/exportTime=YYYYMMDDHHMM`.
    package static func folder(dataset: String, startedAt instant: Instant) -> String {
        let minute = instant.description.filter(\.isNumber).prefix(12)
        return "\(dataset)/exportTime=\(minute)"
    }

    /// Delivers the window. Blocks. When it returns, everything is durable at the destination.
    ///
    /// - Parameter isStopping: asked between batches; true ends the run.
    /// - Returns: the run, successful, with its totals.
    /// - Throws: `Failure`, or what the source threw; then no manifest was written.
    package func perform(source: Source, files: any Files, isStopping: () -> Bool) throws -> Run {
        guard case .local(let path) = destination.settings else { preconditionFailure("there is one type") }
        let folder = try LocalFolder(path: path, files: files)
        let part = try deliver(source, to: folder, isStopping: isStopping)
        let totals = Run.Totals(
            received: part.records, exported: part.records, skipped: expected - min(expected, part.records),
            files: part.file == nil ? 0 : 1, bytes: UInt64(part.file?.size ?? 0))
        let manifest = Manifest(
            export: self, totals: totals, files: part.file.map { [$0] } ?? [], first: part.first, last: part.last)
        do throws(DiskError) {
            var delivery = try folder.begin(Manifest.name(of: self), in: run.folder)
            do throws(DiskError) {
                try delivery.write(manifest.bytes)
            } catch {
                delivery.discard()
                throw error
            }
            try delivery.publish()
        } catch {
            throw Failure.destination(error)
        }
        var done = run
        done.state = .success
        done.totals = totals
        done.manifest = Manifest.name(of: self)
        return done
    }

    /// How a run ended that a stop of the daemon cut off: a success when its manifest was delivered, which goes last; else failed, its
    /// unfinished files removed. Blocks.
    package func settle(files: any Files) -> Run {
        guard case .local(let path) = destination.settings else { preconditionFailure("there is one type") }
        var ended = run
        ended.state = .failed
        ended.error = "the daemon stopped during the run"
        do {
            let folder = try LocalFolder(path: path, files: files)
            let name = Manifest.name(of: self)
            if let content = try folder.content(of: name, in: run.folder), let totals = Manifest.totals(content) {
                ended.state = .success
                ended.error = nil
                ended.totals = totals
                ended.manifest = name
            } else {
                try folder.removeUnfinished(run.id, in: run.folder)
            }
        } catch {
            ended.error = "the daemon stopped during the run, and what it delivered cannot be looked at: \(error)"
        }
        return ended
    }

    private struct Part {
        var records: UInt64 = 0
        var first: Record?
        var last: Record?
        var file: Manifest.File?
    }

    /// Streams the window into one file; no file when the window holds no record.
    private func deliver(_ source: Source, to folder: LocalFolder, isStopping: () -> Bool) throws -> Part {
        var part = Part()
        guard var records = try source(run.after, run.through) else { return part }
        part.first = records.first
        let name = "part-00000-\(run.id).\(RowFile.nameExtension(dataflow.format, dataflow.compression))"
        var file = try begin(name, in: folder)
        do {
            while true {
                guard !isStopping() else { throw Failure.stopping }
                for record in records { try file.append(record) }
                part.records += UInt64(records.count)
                part.last = records.last ?? part.last
                guard let last = records.last, let next = try source(last.sequence, run.through) else { break }
                records = next
            }
            try file.finish()
        } catch {
            file.discard()
            throw (error as? DiskError).map(Failure.destination) ?? error
        }
        do {
            let (size, sha256) = try file.publish()
            part.file = Manifest.File(name: name, size: size, records: part.records, sha256: sha256)
            return part
        } catch {
            throw Failure.destination(error)
        }
    }

    private func begin(_ name: String, in folder: LocalFolder) throws(Failure) -> PartFile {
        do {
            return PartFile(try folder.begin(name, in: run.folder), dataflow: dataflow)
        } catch {
            throw .destination(error)
        }
    }
}

/// A data file being delivered: rows in, compressed and hashed bytes out.
private struct PartFile: ~Copyable {
    private var delivery: LocalFolder.Delivery
    private var rows: RowFile
    private var hash = SHA256()

    init(_ delivery: consuming LocalFolder.Delivery, dataflow: Dataflow) {
        self.delivery = delivery
        rows = RowFile(
            format: dataflow.format, compression: dataflow.compression, includesRaw: dataflow.includeRaw, metadata: [])
    }

    mutating func append(_ record: Record) throws(DiskError) {
        try write(rows.append(record))
    }

    private mutating func write(_ bytes: [UInt8]) throws(DiskError) {
        guard !bytes.isEmpty else { return }
        hash.update(data: bytes)
        try delivery.write(bytes)
    }

    /// Writes the last bytes.
    mutating func finish() throws(DiskError) {
        try write(rows.finish())
    }

    /// Gives the finished file its name; returns its size and SHA-256.
    consuming func publish() throws(DiskError) -> (size: Int64, sha256: [UInt8]) {
        let size = delivery.size
        try delivery.publish()
        return (size, Array(hash.finalize()))
    }

    consuming func discard() {
        delivery.discard()
    }
}
