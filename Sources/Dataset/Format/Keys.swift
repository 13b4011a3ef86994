import Crypto

/// The key that wraps the segments' keys. 32 bytes.
package struct MasterKey: Sendable {
    /// Bytes of a key.
    package static let byteCount = 32

    let key: SymmetricKey
    /// Tells keys apart without telling the key: 8 bytes derived from it.
    package let id: [UInt8]

    /// Nil when there are not exactly 32 bytes.
    package init?(bytes: [UInt8]) {
        guard bytes.count == MasterKey.byteCount else { return nil }
        self.init(key: SymmetricKey(data: bytes))
    }

    /// A new random key and its bytes, to be kept.
    package static func random() -> (key: MasterKey, bytes: [UInt8]) {
        let key = SymmetricKey(size: .bits256)
        return (MasterKey(key: key), key.withUnsafeBytes { Array($0) })
    }

    /// Seals a secret: only `open` of the same key and purpose gives it back.
    package func seal(_ secret: [UInt8], for purpose: String) -> [UInt8] {
        do {
            let wrapping = derive(from: key, for: purpose, byteCount: 32)
            guard let sealed = try AES.GCM.seal(secret, using: wrapping, authenticating: id).combined else {
                preconditionFailure("a box of a nonce of 12 bytes has a combined form")
            }
            return Array(sealed)
        } catch {
            preconditionFailure("AES-GCM seals under a 256-bit key: \(error)")
        }
    }

    /// The secret; nil when it was not sealed by this key for that purpose, or is damaged.
    package func open(_ sealed: [UInt8], for purpose: String) -> [UInt8]? {
        let wrapping = derive(from: key, for: purpose, byteCount: 32)
        guard let box = try? AES.GCM.SealedBox(combined: sealed) else { return nil }
        return (try? AES.GCM.open(box, using: wrapping, authenticating: id)).map { Array($0) }
    }

    private init(key: SymmetricKey) {
        self.key = key
        id = derive(from: key, for: "message-export master key id", byteCount: 8).withUnsafeBytes { Array($0) }
    }
}

/// A segment's own random key and the two keys made from it.
struct SegmentKeys: Sendable {
    let root: SymmetricKey
    /// Seals the batches.
    let batches: SymmetricKey
    /// Authenticates the batches' headers, so that one can be trusted when its batch is damaged.
    let headers: SymmetricKey

    init(root: SymmetricKey) {
        self.root = root
        batches = derive(from: root, for: "message-export batch", byteCount: 32)
        headers = derive(from: root, for: "message-export batch header", byteCount: 32)
    }

    static func random() -> SegmentKeys {
        SegmentKeys(root: SymmetricKey(size: .bits256))
    }
}

private func derive(from key: SymmetricKey, for purpose: String, byteCount: Int) -> SymmetricKey {
    HKDF<SHA256>.deriveKey(inputKeyMaterial: key, info: Array(purpose.utf8), outputByteCount: byteCount)
}
