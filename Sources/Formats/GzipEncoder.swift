import CZlib

/// Compresses a stream as one gzip member (RFC 1952), by zlib. The same input in the same pieces gives the same bytes.
package struct GzipEncoder: ~Copyable {
    private let stream: UnsafeMutablePointer<z_stream>

    /// Begins a member.
    package init() {
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 bits of window, and 16 for a gzip header: without name and time.
        let status = deflateInit2_(
            stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
            Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib has memory and is the version this was built with")
    }

    deinit {
        deflateEnd(stream)
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    /// Takes the next bytes and returns what is ready of their compressed form.
    package mutating func append(_ bytes: [UInt8]) -> [UInt8] {
        run(bytes, Z_NO_FLUSH)
    }

    /// Returns the rest, and with it the end of the stream. Nothing may be appended after it.
    package mutating func finish() -> [UInt8] {
        run([], Z_FINISH)
    }

    private mutating func run(_ bytes: [UInt8], _ flush: Int32) -> [UInt8] {
        var bytes = bytes
        var output: [UInt8] = []
        let pieceSize = 64 << 10
        bytes.withUnsafeMutableBufferPointer { input in
            stream.pointee.next_in = input.baseAddress
            stream.pointee.avail_in = UInt32(input.count)
            var isFull = true
            while isFull {
                let piece = [UInt8](unsafeUninitializedCapacity: pieceSize) { buffer, count in
                    stream.pointee.next_out = buffer.baseAddress
                    stream.pointee.avail_out = UInt32(pieceSize)
                    let status = deflate(stream, flush)
                    precondition(status != Z_STREAM_ERROR, "the stream is not finished yet")
                    count = pieceSize - Int(stream.pointee.avail_out)
                }
                output += piece
                isFull = piece.count == pieceSize
            }
        }
        return output
    }
}
