import CZstd

/// Compression of batches, by libzstd.
enum Zstandard {
    /// The plain bytes; nil when they are not exactly `size`, or the compressed ones are no frame of that dictionary.
    static func decompress(_ bytes: [UInt8], size: Int, dictionary: [UInt8]) -> [UInt8]? {
        guard let context = ZSTD_createDCtx() else { return nil }
        defer { ZSTD_freeDCtx(context) }
        var isWhole = false
        let plain = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let got = ZSTD_decompress_usingDict(
                context, buffer.baseAddress, size, bytes, bytes.count, dictionary, dictionary.count)
            isWhole = ZSTD_isError(got) == 0 && got == size
            count = isWhole ? size : 0
        }
        return isWhole ? plain : nil
    }

    /// What many similar pieces have in common, of at most `size` bytes; empty: nothing that helps.
    static func dictionary(of samples: [[UInt8]], size: Int) -> [UInt8] {
        let sizes = samples.map(\.count)
        let joined = Array(samples.joined())
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            let got = ZDICT_trainFromBuffer(buffer.baseAddress, size, joined, sizes, UInt32(sizes.count))
            count = ZDICT_isError(got) == 0 ? got : 0
        }
    }

    /// Compresses one piece after the other.
    struct Compressor: ~Copyable {
        private let context: OpaquePointer
        private let dictionary: OpaquePointer?

        /// - Parameter dictionary: empty: none.
        init(level: Int32, dictionary: [UInt8]) {
            guard let context = ZSTD_createCCtx() else { preconditionFailure("there is memory") }
            self.context = context
            ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)
            self.dictionary = dictionary.isEmpty ? nil : ZSTD_createCDict(dictionary, dictionary.count, level)
            if let made = self.dictionary { ZSTD_CCtx_refCDict(context, made) }
        }

        deinit {
            ZSTD_freeCCtx(context)
            ZSTD_freeCDict(dictionary)
        }

        func compress(_ bytes: [UInt8]) -> [UInt8] {
            let most = ZSTD_compressBound(bytes.count)
            return [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
                count = ZSTD_compress2(context, buffer.baseAddress, most, bytes, bytes.count)
                precondition(ZSTD_isError(count) == 0, "it fits its bound")
            }
        }
    }
}
