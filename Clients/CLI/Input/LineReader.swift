import Formats
import Glibc
import MessageExportClient

/// Reads a file line by line, a compressed one (gzip) as what it holds. Holds one piece and one line in memory.
struct LineReader: ~Copyable {
    /// The longest line: a message with all its bytes, each written as six of JSON or as base64 beside them.
    static let lineBytes = 8 * Limits.messageBytes
    /// Compressed, a thousand times as much may be in it.
    private static let pieceBytes = 32 << 10

    private let descriptor: Int32
    private var gzip: GzipDecoder?
    private var isFirst = true
    private var isAtEnd = false
    private var pending: [UInt8] = []
    /// Where in `pending` the next line begins, and how far it was searched for its end.
    private var start = 0
    private var searched = 0

    /// - Parameter descriptor: an open file; closed with the reader.
    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// The next line without its end; nil: there is none.
    /// - Throws: `invalidArgument` when a line is too long or the compressed data is damaged, else why it cannot be read.
    mutating func next() throws(Status) -> [UInt8]? {
        while true {
            if let end = pending[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { (start, searched) = (end + 1, end + 1) }
                return Array(pending[start..<end])
            }
            searched = pending.count
            guard searched - start <= LineReader.lineBytes else {
                throw Status(.invalidArgument, "a line has more than \(LineReader.lineBytes) bytes, the most that one may have")
            }
            guard !isAtEnd else {
                defer { start = pending.count }
                return start < pending.count ? Array(pending[start...]) : nil
            }
            pending.removeFirst(start)
            (start, searched) = (0, searched - start)
            try readPiece()
        }
    }

    private mutating func readPiece() throws(Status) {
        var piece = try InputFile.readSome(descriptor, upTo: LineReader.pieceBytes)
        // Two bytes tell what is compressed; a pipe may bring the first alone.
        if isFirst, piece.count == 1 { piece += try InputFile.readSome(descriptor, upTo: LineReader.pieceBytes) }
        if isFirst, piece.starts(with: [0x1F, 0x8B]) { gzip = GzipDecoder() }
        isFirst = false
        isAtEnd = piece.isEmpty
        guard gzip != nil else {
            pending += piece
            return
        }
        do {
            if isAtEnd {
                try gzip?.finish()
            } else if let plain = try gzip?.append(piece) {
                pending += plain
            }
        } catch {
            throw Status(.invalidArgument, "the compressed data is damaged or cut off")
        }
    }
}
