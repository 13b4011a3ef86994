package import Model

/// An attempt of a run, with what it needs to be done.
package struct RunOrder: Hashable, Sendable {
    /// A file of a run's ledger.
    package struct Part: Hashable, Sendable {
        /// Its name in the run's folder.
        package let name: String
        /// What the run said of it when it was delivered; nil: its name was noted, and it may be at the destination in part.
        package let document: [UInt8]?
    }

    /// Its window and folder are fixed.
    package let run: Run
    /// As it is at the attempt's beginning.
    package let dataflow: Dataflow
    /// As it is at the attempt's beginning.
    package let destination: Destination
    /// By number: what earlier attempts delivered or began.
    package let parts: [Part]
    /// The manifest, when it was made already: it is delivered as it is.
    package let document: [UInt8]?
    /// Run and SHA-256 of the dataflow's manifest before; nil: this is the first.
    package let previous: (run: String, sha256: [UInt8])?

    /// By the run.
    package static func == (left: RunOrder, right: RunOrder) -> Bool { left.run == right.run }

    /// As equality is.
    package func hash(into hasher: inout Hasher) { hasher.combine(run) }
}

/// What is there of a dataset at a moment.
package struct DatasetExtent: Hashable, Sendable {
    /// Of the dataset's lives between resets.
    package let epoch: UInt32
    /// The last sequence before what is retained.
    package let after: UInt64
    /// The last sequence that is retained, or `after`.
    package let through: UInt64

    package init(epoch: UInt32, after: UInt64, through: UInt64) {
        self.epoch = epoch
        self.after = after
        self.through = through
    }
}

/// The sequences of a run that moves no cursor, and the times of ingestion that they were found by.
package struct RunWindow: Sendable {
    /// Sequences after it.
    package var after: UInt64
    /// Up to and with it.
    package var through: UInt64
    /// From then on.
    package var since: Instant?
    /// Before then.
    package var until: Instant?

    package init(after: UInt64, through: UInt64, since: Instant?, until: Instant?) {
        self.after = after
        self.through = through
        self.since = since
        self.until = until
    }
}
