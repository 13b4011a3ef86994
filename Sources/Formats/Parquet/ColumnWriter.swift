/// One column of a row group on its way: values in, encoded pages out. Keeps the page it fills, and what is not compressed yet.
package struct ColumnWriter: Sendable {
    /// A page before it is compressed.
    struct Page: Sendable {
        let encoding: ParquetEncoding
        /// Values in it, absent ones counted.
        let count: Int
        let bytes: [UInt8]
    }

    let column: ParquetColumn
    /// Finished pages that nobody took yet.
    private(set) var pages: [Page] = []
    /// Bytes of them.
    private(set) var pageBytes = 0
    /// Values of the row group, absent ones counted.
    private(set) var count = 0
    private(set) var statistics = ParquetStatistics()

    private var repetitions: [UInt8] = []
    private var definitions: [UInt8] = []
    /// The values of the page, encoded plainly, flags a byte each.
    private var plain: [UInt8] = []
    private var dictionary = ValueDictionary()
    /// Numbers of the page's values, as long as all are in the dictionary.
    private var numbers: [UInt32] = []
    /// Pages are written by the dictionary until it does not pay.
    private var usesDictionary: Bool
    /// Some page was.
    private var usedDictionary = false

    init(_ column: ParquetColumn) {
        self.column = column
        usesDictionary = column.type == .byteArray
    }

    /// Bytes that are kept and not compressed yet.
    var bufferedBytes: Int { pageBytes + plain.count + definitions.count * 2 }

    /// The values that pages are numbered by; nil: none is.
    var dictionaryPage: Page? {
        usedDictionary ? Page(encoding: .plain, count: dictionary.count, bytes: dictionary.plain) : nil
    }

    // MARK: Values

    /// The next value stands at `level`: one must be appended then if the level says that it is there, or else none.
    mutating func begin(_ level: Level) {
        if level.repetition == 0, plain.count >= ParquetLimits.pageBytes || definitions.count >= ParquetLimits.pageValues {
            finishPage()
        }
        if column.maximum.repetition > 0 { repetitions.append(level.repetition) }
        definitions.append(level.definition)
        count += 1
        if level.definition < column.maximum.definition { statistics.absent += 1 }
    }

    mutating func append(text: String) {
        var text = text
        text.withUTF8 { append(value: UnsafeRawBufferPointer($0)) }
    }

    mutating func append(bytes: [UInt8]) {
        bytes.withUnsafeBytes { append(value: $0) }
    }

    mutating func append(number: Int64) {
        plain.append(littleEndian: number)
        statistics.include(number)
    }

    mutating func append(flag: Bool) {
        plain.append(flag ? 1 : 0)
        statistics.include(flag)
    }

    private mutating func append(value: UnsafeRawBufferPointer) {
        let start = plain.count
        plain.append(littleEndian: UInt32(value.count))
        plain.append(contentsOf: value)
        statistics.include(value)
        guard usesDictionary else { return }
        // Long values do not come twice.
        if value.count <= ParquetLimits.dictionaryValueBytes, let number = dictionary.number(of: plain[start...]) {
            numbers.append(number)
        } else {
            usesDictionary = false
        }
    }

    // MARK: Pages

    /// Ends the page that is filled, if there is anything in it.
    mutating func finishPage() {
        guard !definitions.isEmpty else { return }
        let levels = levelBytes(repetitions, column.maximum.repetition) + levelBytes(definitions, column.maximum.definition)
        let bitWidth = HybridEncoding.bitWidth(of: max(1, dictionary.count - 1))
        let indexes = usesDictionary ? HybridEncoding.encode(numbers, bitWidth: bitWidth) : []
        // The first page shows whether values come again at all.
        if usesDictionary, !usedDictionary, dictionary.plain.count + indexes.count >= plain.count { usesDictionary = false }
        if usesDictionary {
            usedDictionary = true
            add(Page(encoding: .dictionary, count: definitions.count, bytes: levels + [UInt8(bitWidth)] + indexes))
        } else {
            let values = column.type == .boolean ? Self.packed(plain) : plain
            add(Page(encoding: .plain, count: definitions.count, bytes: levels + values))
        }
        repetitions.removeAll(keepingCapacity: true)
        definitions.removeAll(keepingCapacity: true)
        numbers.removeAll(keepingCapacity: true)
        plain.removeAll(keepingCapacity: plain.capacity <= 4 * ParquetLimits.pageBytes)
    }

    /// The finished pages, which are forgotten here.
    mutating func takePages() -> [Page] {
        pageBytes = 0
        defer { pages = [] }
        return pages
    }

    /// Begins the next row group.
    mutating func reset() {
        self = ColumnWriter(column)
    }

    private mutating func add(_ page: Page) {
        pages.append(page)
        pageBytes += page.bytes.count
    }

    /// Levels with their length before them; nothing where there is only one.
    private func levelBytes(_ levels: [UInt8], _ maximum: UInt8) -> [UInt8] {
        guard maximum > 0 else { return [] }
        let encoded = HybridEncoding.encode(levels, bitWidth: HybridEncoding.bitWidth(of: Int(maximum)))
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(encoded.count))
        return bytes + encoded
    }

    /// Eight flags a byte, the first lowest.
    private static func packed(_ flags: [UInt8]) -> [UInt8] {
        stride(from: 0, to: flags.count, by: 8).map { start in
            flags[start..<min(start + 8, flags.count)].reversed().reduce(0) { $0 << 1 | $1 }
        }
    }
}

/// Sizes of what is written; they bound what a file on its way takes in memory.
enum ParquetLimits {
    /// A page ends with the row in which its values reach this many bytes.
    static let pageBytes = 1 << 20
    /// A page ends with the row in which it has this many values.
    static let pageValues = 1 << 17
    /// Pages are compressed when this many bytes of them wait.
    static let pendingBytes = 8 << 20
    /// A row group ends with the row in which its values reach this many bytes.
    static let rowGroupBytes = 64 << 20
    /// A dictionary's values take no more.
    static let dictionaryBytes = 512 << 10
    /// Longer values are in no dictionary.
    static let dictionaryValueBytes = 1 << 10
    /// Values are told in statistics up to this length.
    static let statisticsBytes = 64
}
