import CDeflate
import CSnappy
import CZlib
import CZstd
import Dispatch
package import Model
import Synchronization

/// Compresses blocks, each on its own, so that several can be done at a time. The same block gives the same bytes.
package enum BlockCompression {
    /// Each block compressed, in order; some at a time where there is more than one. Blocks.
    package static func compress(_ blocks: [[UInt8]], by compression: Compression) -> [[UInt8]] {
        guard compression != .none else { return blocks }
        guard blocks.count > 1 else { return blocks.map { compress($0, by: compression) } }
        let done = Mutex([[UInt8]](repeating: [], count: blocks.count))
        DispatchQueue.concurrentPerform(iterations: blocks.count) { index in
            let compressed = compress(blocks[index], by: compression)
            done.withLock { $0[index] = compressed }
        }
        return done.withLock { $0 }
    }

    /// One block compressed.
    package static func compress(_ block: [UInt8], by compression: Compression) -> [UInt8] {
        switch compression {
        case .none: block
        case .gzip: gzip(block)
        case .zstd: zstd(block)
        case .snappy: snappy(block)
        }
    }

    /// The checksum of gzip and of Parquet's pages.
    static func crc32(_ bytes: [UInt8]) -> UInt32 {
        UInt32(libdeflate_crc32(0, bytes, bytes.count))
    }

    /// One member, with no name and no time in it. Members one after the other are one stream.
    private static func gzip(_ block: [UInt8]) -> [UInt8] {
        // Mails get as small as by 6, which is zlib's own level, a quarter faster.
        guard let compressor = libdeflate_alloc_compressor(5) else { fatalError("no memory to compress in") }
        defer { libdeflate_free_compressor(compressor) }
        let bound = libdeflate_gzip_compress_bound(compressor, block.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = libdeflate_gzip_compress(compressor, block, block.count, buffer.baseAddress, bound)
            precondition(count > 0, "the bound is enough")
        }
    }

    private static func zstd(_ block: [UInt8]) -> [UInt8] {
        let bound = ZSTD_compressBound(block.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = ZSTD_compress(buffer.baseAddress, bound, block, block.count, ZSTD_CLEVEL_DEFAULT)
            precondition(ZSTD_isError(count) == 0, "the bound is enough")
        }
    }

    private static func snappy(_ block: [UInt8]) -> [UInt8] {
        let bound = snappy_max_compressed_length(block.count)
        return [UInt8](unsafeUninitializedCapacity: bound) { buffer, count in
            count = bound
            block.withUnsafeBytes { input in
                let status = snappy_compress(
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), input.count,
                    UnsafeMutableRawPointer(buffer.baseAddress)?.assumingMemoryBound(to: CChar.self), &count)
                precondition(status == SNAPPY_OK, "the bound is enough")
            }
        }
    }
}
