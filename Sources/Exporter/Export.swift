import Crypto
package import Destinations
package import Formats
package import Model

/// An attempt of a run: delivers its window, data first, manifest last. What an earlier attempt delivered stays, and is not made again.
package struct Export: Sendable {
    /// Why an attempt did not succeed; its description tells people.
    package enum Failure: Error, CustomStringConvertible {
        case stopped(RunStop)
        case destination(DestinationError)

        /// Whether another attempt may succeed without anybody's help.
        package var isWorthRetrying: Bool {
            switch self {
            case .stopped: false
            case .destination(let error): error.isWorthRetrying
            }
        }

        package var description: String {
            switch self {
            case .stopped(.daemon): "the daemon is stopping"
            case .stopped(.cancelled): "it was cancelled"
            case .destination(let error): "the destination failed: \(error)"
            }
        }
    }

    /// What a run came to.
    package struct Outcome: Sendable {
        /// Successful, with its totals.
        package let run: Run
        /// SHA-256 of its manifest.
        package let manifest: [UInt8]
        /// Sequences of its window that are in none of its files, in their order.
        package let absent: [ClosedRange<UInt64>]
    }

    /// What of the surroundings is told in its files.
    package struct Context: Sendable {
        /// Name of the organization.
        package let organization: String
        /// Of the organization's signing key.
        package let publicKey: [UInt8]
        /// Id and name of the sandbox.
        package let sandbox: Manifest.Named
        /// Of the dataset's lives between resets.
        package let epoch: UInt32
        /// Run and SHA-256 of the manifest before; nil: this is the first.
        package let previous: Manifest.Previous?

        package init(
            organization: String, publicKey: [UInt8], sandbox: Manifest.Named, epoch: UInt32, previous: Manifest.Previous?
        ) {
            self.organization = organization
            self.publicKey = publicKey
            self.sandbox = sandbox
            self.epoch = epoch
            self.previous = previous
        }
    }

    /// What files are encrypted by, and to whom.
    package struct Encryption: Sendable {
        let gpg: OpenPGP
        /// Of the dataflow's fingerprints, in their order.
        let keys: [[UInt8]]
        let patience: Patience

        package init(gpg: OpenPGP, keys: [[UInt8]], patience: Patience) {
            self.gpg = gpg
            self.keys = keys
            self.patience = patience
        }
    }

    /// A file that an earlier attempt delivered, or had begun.
    package enum Part: Sendable {
        case begun(name: String)
        case delivered(DeliveredPart)

        var name: String {
            switch self {
            case .begun(let name): name
            case .delivered(let part): part.file.name
            }
        }
    }

    /// Its window and folder are fixed.
    package let run: Run
    /// What to export, and in which shape.
    package let dataflow: Dataflow
    /// Where to.
    package let destination: Destination
    private let context: Context
    /// By number.
    private let parts: [Part]
    /// The manifest that was made already.
    private let document: [UInt8]?

    package init(
        run: Run, dataflow: Dataflow, destination: Destination, context: Context, parts: [Part] = [], document: [UInt8]? = nil
    ) {
        self.run = run
        self.dataflow = dataflow
        self.destination = destination
        self.context = context
        self.parts = parts
        self.document = document
    }

    /// Delivers the window. Blocks. When it returns, everything is durable at the destination.
    ///
    /// - Parameters:
    ///   - storage: of the destination.
    ///   - encryption: to the dataflow's keys; nil: it has none.
    /// - Throws: `Failure`, or what the host threw; what is noted in the ledger stays at the destination.
    package func perform(_ host: some RunHost, to storage: any Storage, encryption: Encryption? = nil) throws -> Outcome {
        do {
            let kept = try keptParts(storage)
            var document = document
            if document == nil || kept.count < parts.count {
                var delivery = PartDelivery(self, storage, encryption, parts: parts, kept: kept)
                try delivery.run(host)
                let manifest = self.manifest(delivery.parts, delivery.absent, try host.auditHead())
                document = SignedManifest.file(manifest, sign: host.sign)
                if run.manifest == nil { try storage.requireFree(manifestName, in: run.folder) }
                // From here on it is ours, and may be replaced.
                try host.noteManifest(document ?? [], named: manifestName)
            }
            return try deliver(document ?? [], to: storage)
        } catch let error as DestinationError {
            // Whoever waited for the destination was told to wait no more.
            if error.reason == .stopped, let stop = host.stop { throw Failure.stopped(stop) }
            throw Failure.destination(error)
        }
    }

    /// Removes what the run delivered: its manifest first, without which the rest counts for nothing. Blocks.
    ///
    /// - Throws: when something may still be there, after all has been tried.
    package func withdraw(from storage: any Storage) throws(DestinationError) {
        var failure: DestinationError?
        for name in [run.manifest].compactMap(\.self) + parts.map(\.name) {
            do throws(DestinationError) { try storage.remove(name, in: run.folder) } catch { failure = failure ?? error }
        }
        if let failure { throw failure }
    }

    /// The files that are still as they were delivered, up to the first that is not.
    private func keptParts(_ storage: any Storage) throws(DestinationError) -> [DeliveredPart] {
        var kept: [DeliveredPart] = []
        for part in parts {
            guard case .delivered(let delivered) = part,
                try storage.size(of: part.name, in: run.folder) == delivered.file.size
            else { break }
            kept.append(delivered)
        }
        return kept
    }

    /// Removes what earlier attempts began and this one does not need: beside the manifest it would look as if somebody had put it there.
    private func removeStale(_ needed: [String], _ storage: any Storage) throws(DestinationError) {
        for part in parts where !needed.contains(part.name) { try storage.remove(part.name, in: run.folder) }
    }

    private var manifestName: String { Manifest.name(dataflow: dataflow.id, run: run.id) }

    private func deliver(_ document: [UInt8], to storage: any Storage) throws -> Outcome {
        let manifest = try SignedManifest(file: document).manifest
        try removeStale(manifest.exportResults.map(\.name), storage)
        let upload = try storage.begin(manifestName, in: run.folder)
        do throws(DestinationError) {
            try upload.write(document)
        } catch {
            upload.discard()
            throw error
        }
        try upload.publish()
        var done = run
        done.state = .success
        done.error = nil
        done.totals = Run.Totals(
            received: manifest.records.received, exported: manifest.records.exported, skipped: manifest.records.skipped,
            files: UInt32(clamping: manifest.exportResults.count),
            bytes: UInt64(manifest.exportResults.reduce(0) { $0 + $1.size }))
        done.manifest = manifestName
        return Outcome(
            run: done, manifest: Array(SHA256.hash(data: document)),
            absent: manifest.absent.map { $0.firstSequence...max($0.firstSequence, $0.lastSequence) })
    }

    /// - Parameter rest: what is absent after the last part.
    private func manifest(_ parts: [DeliveredPart], _ rest: [Manifest.Absent], _ audit: Manifest.AuditAnchor?) -> Manifest {
        let isChained = run.trigger != .window && dataflow.mode == .incremental
        let exported = parts.reduce(0) { $0 + $1.file.records }
        let absent = parts.flatMap(\.absent) + rest
        let skipped = absent.reduce(0 as UInt64) { sum, range in
            sum + range.skipped
        }
        return Manifest(
            flowRunId: run.id, trigger: run.trigger.rawValue, isChained: isChained, scheduledTime: run.startedAt.description,
            organization: context.organization, sandbox: context.sandbox, epoch: context.epoch,
            dataflow: .init(id: dataflow.id, name: dataflow.name), destination: .init(id: destination.id, name: destination.name),
            format: dataflow.format.rawValue, compression: dataflow.settings.compression.rawValue,
            includesRaw: dataflow.settings.includeRaw, encryptedTo: dataflow.settings.encryptTo,
            window: .init(
                afterSequence: run.after, throughSequence: run.through, since: run.since?.description,
                until: run.until?.description),
            records: .init(received: exported + skipped, exported: exported, skipped: skipped),
            exportResults: parts.map(\.file), absent: absent, previous: isChained ? context.previous : nil, audit: audit,
            writer: "message-export \(productVersion)", signingKey: hexadecimal(context.publicKey))
    }

    /// What files with a place for it tell of themselves: the same for the same window.
    var fileMetadata: [(key: String, value: String)] {
        [
            ("dataset", "message-export-\(context.sandbox.name)"), ("sandbox", context.sandbox.name),
            ("dataflow", dataflow.name), ("window", "\(run.after)..\(run.through)"),
            ("writer", "message-export \(productVersion)"),
        ]
    }
}
