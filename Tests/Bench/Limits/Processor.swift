import CZstd
import Crypto
import Formats
import Foundation
import Model

/// What a processor alone can do with content: seal it, compress it. Bytes a second.
enum Processor {
    /// Seals batches of that many bytes, as the store's.
    static func seal(batch bytes: Int, of corpus: Corpus) throws -> Double {
        let key = SymmetricKey(size: .bits256)
        var batch = Data()
        var number = 0
        while batch.count < bytes {
            batch += Data(corpus.text(number).utf8)
            number += 1
        }
        let count = max(1, (256 << 20) / batch.count)
        let start = nanoseconds()
        var sealed = 0
        for _ in 0..<count { sealed += try AES.GCM.seal(batch, using: key).ciphertext.count }
        return Double(sealed) / (Double(nanoseconds() - start) / 1e9)
    }

    /// Compresses content in blocks as exports have, on all processors.
    static func compress(_ content: [[UInt8]], by compression: Compression) -> Double {
        var blocks: [[UInt8]] = [[]]
        for piece in content {
            if blocks[blocks.count - 1].count >= 1 << 20 { blocks.append([]) }
            blocks[blocks.count - 1] += piece
        }
        let bytes = content.reduce(0) { $0 + $1.count }
        let start = nanoseconds()
        _ = BlockCompression.compress(blocks, by: compression)
        return Double(bytes) / (Double(nanoseconds() - start) / 1e9)
    }

    /// What an export cannot do without before it writes: decrypts and decompresses content as it is kept once settled.
    static func open(_ content: [[UInt8]]) throws -> Double {
        let key = SymmetricKey(size: .bits256)
        let bytes = content.reduce(0) { $0 + $1.count }
        let boxes = try stride(from: 0, to: content.count, by: 20).map { start in
            let block = content[start..<min(start + 20, content.count)].flatMap { $0 }
            return (try AES.GCM.seal(BlockCompression.compress(block, by: .zstd), using: key), block.count)
        }
        let start = nanoseconds()
        for (box, count) in boxes {
            let opened = try AES.GCM.open(box, using: key)
            var space = [UInt8](repeating: 0, count: count)
            let got = opened.withUnsafeBytes { ZSTD_decompress(&space, count, $0.baseAddress, $0.count) }
            guard got == count else { throw CocoaError(.fileReadCorruptFile) }
        }
        return Double(bytes) / (Double(nanoseconds() - start) / 1e9)
    }
}
