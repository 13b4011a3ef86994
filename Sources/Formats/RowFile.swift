package import Model

/// One data file being made: rows in, bytes out. Bounded in memory; the same rows give the same bytes.
package struct RowFile: Sendable {
    // One of the two.
    private var lines: JSONLines?
    private var parquet: ParquetWriter<RecordRow>?
    /// Whether rows hold the attachments' bytes and the mails as sent.
    private let includesRaw: Bool

    /// - Parameter metadata: told in files that have a place for it, in this order.
    package init(format: Format, compression: Compression, includesRaw: Bool, metadata: [(key: String, value: String)]) {
        self.includesRaw = includesRaw
        switch format {
        case .json: lines = JSONLines(compression)
        case .parquet: parquet = ParquetWriter(fields: RecordRow.fields, compression: compression, metadata: metadata)
        }
    }

    /// What the names of such files end in, such as `json.gz`.
    package static func nameExtension(_ format: Format, _ compression: Compression) -> String {
        switch (format, compression) {
        case (.json, .none): "json"
        case (.json, _): "json.gz"
        case (.parquet, .none): "parquet"
        case (.parquet, .gzip): "gz.parquet"
        case (.parquet, .snappy): "snappy.parquet"
        case (.parquet, .zstd): "zstd.parquet"
        }
    }

    /// Bytes of the file that are to come for the rows so far, at most about.
    package var pendingBytes: Int { lines?.pendingBytes ?? parquet?.pendingBytes ?? 0 }

    /// Adds a record's row; returns what of the file became ready by it, mostly nothing.
    package mutating func append(_ record: Record) -> [UInt8] {
        let row = RecordRow(record, includingRaw: includesRaw)
        lines?.append(row)
        parquet?.append(row)
        return take()
    }

    /// Ends the file and returns the rest of it. Nothing may be appended after it.
    package mutating func finish() -> [UInt8] {
        lines?.finish()
        parquet?.finish()
        return take()
    }

    private mutating func take() -> [UInt8] { lines?.take() ?? parquet?.take() ?? [] }
}

/// Rows as newline-delimited JSON; compressed, as gzip members one after the other, which are one stream.
struct JSONLines: Sendable {
    private let compression: Compression
    private var json = JSONWriter()
    private var blocks: [[UInt8]] = []
    private var pending = 0
    private var ready: [UInt8] = []
    private var isEmpty = true

    private static let blockBytes = 512 << 10
    /// What is not compressed is handed on as soon as it is worth a write.
    private static let plainBytes = 64 << 10
    /// As much is compressed at a time.
    private static let pendingBytes = 4 << 20

    init(_ compression: Compression) {
        self.compression = compression
    }

    mutating func append(_ row: RecordRow) {
        row.write(to: &json)
        json.newline()
        if json.bytes.count >= (compression == .none ? Self.plainBytes : Self.blockBytes) { endBlock() }
        if pending >= (compression == .none ? Self.plainBytes : Self.pendingBytes) { compress() }
    }

    var pendingBytes: Int { pending + json.bytes.count }

    mutating func take() -> [UInt8] {
        defer { ready = [] }
        return ready
    }

    mutating func finish() {
        // A file without rows is a stream still.
        if !json.bytes.isEmpty || isEmpty { endBlock() }
        compress()
    }

    private mutating func endBlock() {
        blocks.append(json.bytes)
        pending += json.bytes.count
        json = JSONWriter()
        isEmpty = false
    }

    private mutating func compress() {
        for block in BlockCompression.compress(blocks, by: compression) { ready += block }
        blocks = []
        pending = 0
    }
}
