/// The shape of exported files.
public enum Format: String, Hashable, Sendable, CaseIterable {
    /// Newline-delimited JSON.
    case json
    /// Apache Parquet.
    case parquet

    /// How files are compressed where nothing else is asked for.
    public var defaultCompression: Compression { self == .json ? .gzip : .zstd }

    /// Whether files of this format can be compressed so.
    public func allows(_ compression: Compression) -> Bool { self == .parquet || compression == .none || compression == .gzip }
}

/// How exported files are compressed.
public enum Compression: String, Hashable, Sendable, CaseIterable {
    case none
    case gzip
    case snappy
    case zstd
}

/// Exports the dataset of a sandbox to a destination.
public struct Dataflow: Hashable, Sendable {
    /// Given when it was made, and never again.
    public var id: String
    /// Unique in its sandbox.
    public var name: String
    /// Name of its destination.
    public var destination: String
    /// The shape of its files.
    public var format: Format
    /// How its files are compressed.
    public var compression: Compression
    /// Whether rows hold the attachments' bytes and the mail as sent.
    public var includeRaw: Bool
    /// Sequence of the last record a successful run delivered; 0: none yet.
    public var cursor: UInt64
    /// When it was made.
    public var createdAt: Instant

    public init(
        id: String, name: String, destination: String, format: Format, compression: Compression,
        includeRaw: Bool = false, cursor: UInt64, createdAt: Instant
    ) {
        self.id = id
        self.name = name
        self.destination = destination
        self.format = format
        self.compression = compression
        self.includeRaw = includeRaw
        self.cursor = cursor
        self.createdAt = createdAt
    }
}
