import CZlib

/// Decompresses a stream of gzip members (RFC 1952), by zlib.
package struct GzipDecoder: ~Copyable {
    /// The bytes are no gzip, or not all of it.
    package struct Damaged: Error {}

    private let stream: UnsafeMutablePointer<z_stream>
    private var isComplete = false
    private var isDamaged = false

    /// Begins a stream.
    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        let status = inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has memory and is the version this was built with")
    }

    deinit {
        inflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Takes the next bytes and returns what they stand for: at most 1,032 times as many.
    ///
    /// Damage is told by the next call: what stands before it is returned.
    package mutating func append(_ bytes: [UInt8]) throws(Damaged) -> [UInt8] {
        guard !isDamaged else { throw Damaged() }
        var bytes = bytes
        let pieceSize = 64 << 10
        let count = bytes.count
        var taken = 0
        var output: [UInt8] = []
        while true {
            if isComplete {
                // Another member may follow, or padding.
                guard bytes[taken...].contains(where: { $0 != 0 }) else { return output }
                inflateReset(stream)
                isComplete = false
            }
            var status = Z_OK
            let piece = bytes.withUnsafeMutableBufferPointer { input in
                [UInt8](unsafeUninitializedCapacity: pieceSize) { buffer, filled in
                    stream.pointee.next_in = input.baseAddress.map { $0 + taken }
                    stream.pointee.avail_in = UInt32(count - taken)
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = UInt32(pieceSize)
                    status = inflate(stream, Z_NO_FLUSH)
                    filled = pieceSize - Int(stream.pointee.avail_out)
                    taken = count - Int(stream.pointee.avail_in)
                }
            }
            output += piece
            isComplete = status == Z_STREAM_END
            // It wants more than there is.
            if status == Z_BUF_ERROR || (status == Z_OK && taken == count && piece.count < pieceSize) { return output }
            guard status == Z_OK || isComplete else {
                // What was read before the damage counts.
                isDamaged = true
                return output
            }
        }
    }

    /// Makes sure that the stream has ended where its bytes did.
    package func finish() throws(Damaged) {
        guard isComplete, !isDamaged else { throw Damaged() }
    }
}
