package import Model

/// Writes rows as one Parquet file (format version 1, data pages v1). Bytes come out as they are ready; the same rows give the same bytes.
///
/// Memory is bounded by `ParquetLimits`, and by the largest row.
package struct ParquetWriter<Row: Sendable>: Sendable {
    private let fields: [Field<Row>]
    private let schema: ParquetSchema
    private let compression: Compression
    private let metadata: [(key: String, value: String)]
    private var columns: [ColumnWriter]
    /// The compressed pages of the row group, by column.
    private var chunks: [Chunk]
    private var rows: Int64 = 0
    private var rowGroups: [RowGroup] = []
    /// What of the file is ready and was not taken yet.
    private var ready: [UInt8] = Array("PAR1".utf8)
    /// Bytes of the file so far.
    private var size: Int64 = 4
    private var groupBytes = 0
    /// Of the row group, those that are compressed, and those that are not yet.
    private var (compressedBytes, bufferedBytes) = (0, 0)

    /// What a column of the row group has come to.
    private struct Chunk: Sendable {
        var bytes: [UInt8] = []
        var dictionaryBytes = 0
        var plainSize: Int64 = 0
        var encodings: Set<Int32> = [ParquetEncoding.hybrid.rawValue]
    }

    private struct RowGroup: Sendable {
        let rows: Int64
        let plainSize: Int64
        let offset: Int64
        let size: Int64
        /// As Thrift structures.
        let columns: [[UInt8]]
    }

    /// - Parameters:
    ///   - fields: what rows are made of.
    ///   - metadata: told in the footer, in this order.
    package init(fields: [Field<Row>], compression: Compression, metadata: [(key: String, value: String)]) {
        self.fields = fields
        self.compression = compression
        self.metadata = metadata
        schema = ParquetSchema(fields.map { SchemaNode.Member(name: $0.name, id: $0.id, node: $0.node) })
        columns = schema.columns.map(ColumnWriter.init)
        chunks = schema.columns.map { _ in Chunk() }
    }

    /// Adds a row.
    package mutating func append(_ row: Row) {
        var column = 0
        for field in fields {
            field.shred(row, column, Level(), &columns)
            column += field.columns
        }
        rows += 1
        var (pages, pending) = (0, 0)
        for index in columns.indices {
            pages += columns[index].pageBytes
            pending += columns[index].bufferedBytes
        }
        bufferedBytes = pending
        if pages >= ParquetLimits.pendingBytes { compressPages() }
        if groupBytes + pending >= ParquetLimits.rowGroupBytes { finishRowGroup() }
    }

    /// Bytes that are to come for the rows so far, at most about.
    var pendingBytes: Int { compressedBytes + bufferedBytes }

    /// The bytes that are ready, which are forgotten here.
    package mutating func take() -> [UInt8] {
        defer { ready = [] }
        return ready
    }

    /// Ends the file; `take` then gives the rest of it. Nothing may be appended after it.
    package mutating func finish() {
        finishRowGroup()
        let footer = self.footer
        emit(footer)
        var length: [UInt8] = []
        length.append(littleEndian: UInt32(footer.count))
        emit(length + "PAR1".utf8)
    }

    private mutating func emit(_ bytes: [UInt8]) {
        ready += bytes
        size += Int64(bytes.count)
    }

    // MARK: Row groups

    private mutating func compressPages() {
        var places: [Int] = []
        var pages: [ColumnWriter.Page] = []
        for index in columns.indices {
            let finished = columns[index].takePages()
            places += finished.map { _ in index }
            pages += finished
        }
        let compressed = BlockCompression.compress(pages.map(\.bytes), by: compression)
        for (index, page) in pages.enumerated() {
            let column = places[index]
            let header = Self.header(page, compressed[index], isDictionary: false)
            chunks[column].bytes += header
            chunks[column].bytes += compressed[index]
            chunks[column].plainSize += Int64(header.count + page.bytes.count)
            chunks[column].encodings.insert(page.encoding.rawValue)
            groupBytes += page.bytes.count
            compressedBytes += header.count + compressed[index].count
            bufferedBytes -= min(bufferedBytes, page.bytes.count)
        }
    }

    private mutating func finishRowGroup() {
        guard rows > 0 else { return }
        for index in columns.indices { columns[index].finishPage() }
        compressPages()
        let start = size
        var written: [[UInt8]] = []
        var plainSize: Int64 = 0
        for index in columns.indices {
            if let page = columns[index].dictionaryPage {
                let bytes = BlockCompression.compress(page.bytes, by: compression)
                let header = Self.header(page, bytes, isDictionary: true)
                emit(header + bytes)
                chunks[index].dictionaryBytes = header.count + bytes.count
                chunks[index].plainSize += Int64(header.count + page.bytes.count)
                chunks[index].encodings.insert(page.encoding.rawValue)
            }
            let offset = size - Int64(chunks[index].dictionaryBytes)
            emit(chunks[index].bytes)
            written.append(chunk(columns[index], chunks[index], at: offset))
            plainSize += chunks[index].plainSize
            columns[index].reset()
            chunks[index] = Chunk()
        }
        rowGroups.append(RowGroup(rows: rows, plainSize: plainSize, offset: start, size: size - start, columns: written))
        (rows, groupBytes, compressedBytes, bufferedBytes) = (0, 0, 0, 0)
    }

    private static func header(_ page: ColumnWriter.Page, _ compressed: [UInt8], isDictionary: Bool) -> [UInt8] {
        ThriftWriter.structure { header in
            header.field(1, Int32(isDictionary ? 2 : 0))
            header.field(2, Int32(page.bytes.count))
            header.field(3, Int32(compressed.count))
            header.field(4, Int32(bitPattern: BlockCompression.crc32(compressed)))
            if isDictionary {
                header.field(7) { dictionary in
                    dictionary.field(1, Int32(page.count))
                    dictionary.field(2, page.encoding.rawValue)
                }
            } else {
                header.field(5) { data in
                    data.field(1, Int32(page.count))
                    data.field(2, page.encoding.rawValue)
                    data.field(3, ParquetEncoding.hybrid.rawValue)
                    data.field(4, ParquetEncoding.hybrid.rawValue)
                }
            }
        }
    }

    private func chunk(_ column: ColumnWriter, _ chunk: Chunk, at offset: Int64) -> [UInt8] {
        ThriftWriter.structure { structure in
            structure.field(2, offset)
            structure.field(3) { metadata in
                metadata.field(1, column.column.type.rawValue)
                metadata.list(2, of: .int32, chunk.encodings.sorted()) { $0.append(zigzag: Int64($1)) }
                metadata.list(3, of: .binary, column.column.path) { $0.append(Array($1.utf8)) }
                metadata.field(4, compression.parquetCodec)
                metadata.field(5, Int64(column.count))
                metadata.field(6, chunk.plainSize)
                metadata.field(7, Int64(chunk.dictionaryBytes + chunk.bytes.count))
                metadata.field(9, offset + Int64(chunk.dictionaryBytes))
                if chunk.dictionaryBytes > 0 { metadata.field(11, offset) }
                metadata.field(12) { statistics in
                    statistics.field(3, Int64(column.statistics.absent))
                    guard let range = column.statistics.range else { return }
                    statistics.field(5, range.high)
                    statistics.field(6, range.low)
                }
            }
        }
    }

    // MARK: The footer

    private var footer: [UInt8] {
        ThriftWriter.structure { footer in
            footer.field(1, Int32(1))
            footer.list(2, of: .structure, schema.elements) { $0.append(structure: $1) }
            footer.field(3, rowGroups.reduce(0) { $0 + $1.rows })
            footer.list(4, of: .structure, rowGroups) { list, group in
                list.structure { structure in
                    structure.list(1, of: .structure, group.columns) { $0.append(structure: $1) }
                    structure.field(2, group.plainSize)
                    structure.field(3, group.rows)
                    structure.field(5, group.offset)
                    structure.field(6, group.size)
                }
            }
            footer.list(5, of: .structure, metadata) { list, pair in
                list.structure { structure in
                    structure.field(1, pair.key)
                    structure.field(2, pair.value)
                }
            }
            footer.field(6, "message-export \(productVersion)")
            // Statistics are by the order of each column's type.
            footer.list(7, of: .structure, schema.columns) { list, _ in list.structure { $0.field(1) { _ in } } }
        }
    }
}

extension Compression {
    /// CompressionCodec of parquet.thrift.
    fileprivate var parquetCodec: Int32 {
        switch self {
        case .none: 0
        case .snappy: 1
        case .gzip: 2
        case .zstd: 6
        }
    }
}
