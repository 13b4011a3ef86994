/// What a run delivered, and what it could not: written last, signed, and chained to the dataflow's manifest before it.
///
/// A data file that no manifest names belongs to a run that did not finish.
package struct Manifest: Hashable, Sendable, Codable {
    /// One delivered data file.
    package struct File: Hashable, Sendable, Codable {
        /// Folder it is in, below the destination's own.
        package var sinkPath: String
        /// Its name in that folder.
        package var name: String
        /// Bytes as delivered.
        package var size: Int64
        /// Rows in it.
        package var records: UInt64
        /// Sequence of its first row.
        package var firstSequence: UInt64
        /// Sequence of its last row.
        package var lastSequence: UInt64
        /// When the first and the last of its records were ingested.
        package var firstIngestedAt: String
        /// When the last of its records was ingested.
        package var lastIngestedAt: String
        /// Over the file as delivered, in hexadecimal digits.
        package var sha256: String
        /// The same over what is in it, where the file is encrypted.
        package var contentSha256: String?

        package init(
            sinkPath: String, name: String, size: Int64, records: UInt64, firstSequence: UInt64, lastSequence: UInt64,
            firstIngestedAt: String, lastIngestedAt: String, sha256: String, contentSha256: String? = nil
        ) {
            self.sinkPath = sinkPath
            self.name = name
            self.size = size
            self.records = records
            self.firstSequence = firstSequence
            self.lastSequence = lastSequence
            self.firstIngestedAt = firstIngestedAt
            self.lastIngestedAt = lastIngestedAt
            self.sha256 = sha256
            self.contentSha256 = contentSha256
        }
    }

    /// The sequences that the run was about: after the one, through the other.
    package struct Window: Hashable, Sendable, Codable {
        /// The last sequence before it.
        package var afterSequence: UInt64
        /// Its last sequence.
        package var throughSequence: UInt64
        /// The times of ingestion that it was asked for by.
        package var since: String?
        /// The same: before then.
        package var until: String?

        package init(afterSequence: UInt64, throughSequence: UInt64, since: String? = nil, until: String? = nil) {
            self.afterSequence = afterSequence
            self.throughSequence = throughSequence
            self.since = since
            self.until = until
        }
    }

    /// Sequences of the window of which there is no record in the files.
    package struct Absent: Hashable, Sendable, Codable {
        /// The first of them.
        package var firstSequence: UInt64
        /// The last of them.
        package var lastSequence: UInt64
        /// `expired`, `erased`, `damaged`; or `void`: nobody was told that it is stored; or `restored`: of before the daemon was restored from a
        /// backup, which has no records.
        package var reason: String

        package init(firstSequence: UInt64, lastSequence: UInt64, reason: String) {
            self.firstSequence = firstSequence
            self.lastSequence = lastSequence
            self.reason = reason
        }

        /// How many records it counts as skipped: none where it is not known that there were any.
        package var skipped: UInt64 { ["void", "restored"].contains(reason) ? 0 : lastSequence - firstSequence + 1 }
    }

    /// How many records there are of each kind.
    package struct Records: Hashable, Sendable, Codable {
        /// Exported and skipped.
        package var received: UInt64
        /// Rows in the files.
        package var exported: UInt64
        /// Expired, erased or damaged.
        package var skipped: UInt64

        package init(received: UInt64, exported: UInt64, skipped: UInt64) {
            self.received = received
            self.exported = exported
            self.skipped = skipped
        }
    }

    /// A thing by its name, and by its id, which is never given again.
    package struct Named: Hashable, Sendable, Codable {
        /// Never given again.
        package var id: String
        /// May be given again.
        package var name: String

        package init(id: String, name: String) {
            self.id = id
            self.name = name
        }
    }

    /// The manifest before this one.
    package struct Previous: Hashable, Sendable, Codable {
        /// Id of its run.
        package var flowRunId: String
        /// Over the whole file, in hexadecimal digits.
        package var sha256: String

        package init(flowRunId: String, sha256: String) {
            self.flowRunId = flowRunId
            self.sha256 = sha256
        }
    }

    /// The head of the sandbox's audit when the manifest was made.
    package struct AuditAnchor: Hashable, Sendable, Codable {
        /// Of the last event.
        package var number: UInt64
        /// Its hash, in hexadecimal digits.
        package var hash: String

        package init(number: UInt64, hash: String) {
            self.number = number
            self.hash = hash
        }
    }

    /// Id of the run.
    package var flowRunId: String
    /// Why there was a run.
    package var trigger: String
    /// Whether it goes on where the dataflow's run before it ended; else it stands by itself.
    package var isChained: Bool
    /// When the run's window was fixed.
    package var scheduledTime: String
    /// Its name.
    package var organization: String
    /// Whose dataset it was.
    package var sandbox: Named
    /// Of the dataset's lives between resets.
    package var epoch: UInt32
    /// Whose run it was.
    package var dataflow: Named
    /// Where the files went.
    package var destination: Named
    /// The shape of the files.
    package var format: String
    /// How they are compressed.
    package var compression: String
    /// Whether rows hold attachments' bytes and mails as sent.
    package var includesRaw: Bool
    /// Fingerprints of the OpenPGP keys that the files are encrypted to; absent: they are not.
    package var encryptedTo: [String]?
    /// What the run was about.
    package var window: Window
    /// How many there are.
    package var records: Records
    /// The data files, in the order of their sequences.
    package var exportResults: [File]
    /// What of the window is in none of them, in the order of the sequences.
    package var absent: [Absent]
    /// Absent: the dataflow's first one, or one outside of its chain.
    package var previous: Previous?
    /// Where the sandbox's audit was.
    package var audit: AuditAnchor?
    /// Program and version.
    package var writer: String
    /// Of the organization's signing key, in hexadecimal digits.
    package var signingKey: String

    /// - Parameter encryptedTo: empty: the files are not encrypted.
    package init(
        flowRunId: String, trigger: String, isChained: Bool, scheduledTime: String, organization: String, sandbox: Named,
        epoch: UInt32, dataflow: Named, destination: Named, format: String, compression: String, includesRaw: Bool,
        encryptedTo: [String] = [], window: Window,
        records: Records,
        exportResults: [File], absent: [Absent], previous: Previous?, audit: AuditAnchor?, writer: String, signingKey: String
    ) {
        self.flowRunId = flowRunId
        self.trigger = trigger
        self.isChained = isChained
        self.scheduledTime = scheduledTime
        self.organization = organization
        self.sandbox = sandbox
        self.epoch = epoch
        self.dataflow = dataflow
        self.destination = destination
        self.format = format
        self.compression = compression
        self.includesRaw = includesRaw
        self.encryptedTo = encryptedTo.isEmpty ? nil : encryptedTo
        self.window = window
        self.records = records
        self.exportResults = exportResults
        self.absent = absent
        self.previous = previous
        self.audit = audit
        self.writer = writer
        self.signingKey = signingKey
    }

    /// The name of a run's manifest.
    package static func name(dataflow: String, run: String) -> String { "manifest-\(dataflow)-\(run).json" }
}
