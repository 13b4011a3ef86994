import CSodium

/// libsodium's sealed boxes (X25519, XSalsa20-Poly1305): anybody who has the public key can seal, only who has the secret one can open, and
/// nobody can tell who sealed.
package enum SealedBox {
    /// Bytes of a key, public or secret.
    package static let keyBytes = crypto_box_publickeybytes()
    /// What a box has more than its content.
    package static let overheadBytes = crypto_box_sealbytes()

    private static let isReady: Bool = sodium_init() >= 0

    /// A key pair; its secret half can be told, to be kept.
    package struct KeyPair: Sendable {
        /// For those who seal. 32 bytes.
        package let publicKey: [UInt8]
        /// For who opens. 32 bytes.
        package let secretKey: [UInt8]

        /// A new random one.
        package static func random() -> KeyPair {
            precondition(isReady, "libsodium begins its work")
            var publicKey = [UInt8](repeating: 0, count: keyBytes)
            var secretKey = publicKey
            crypto_box_keypair(&publicKey, &secretKey)
            return KeyPair(publicKey: publicKey, secretKey: secretKey)
        }

        private init(publicKey: [UInt8], secretKey: [UInt8]) {
            self.publicKey = publicKey
            self.secretKey = secretKey
        }

        /// The pair of a secret key; nil when it does not have its 32 bytes.
        package init?(secretKey: [UInt8]) {
            guard secretKey.count == keyBytes else { return nil }
            precondition(isReady, "libsodium begins its work")
            var publicKey = [UInt8](repeating: 0, count: keyBytes)
            crypto_scalarmult_base(&publicKey, secretKey)
            self.init(publicKey: publicKey, secretKey: secretKey)
        }
    }

    /// Seals; nil when the key does not have its 32 bytes, or is none.
    package static func seal(_ content: [UInt8], to publicKey: [UInt8]) -> [UInt8]? {
        guard publicKey.count == keyBytes else { return nil }
        precondition(isReady, "libsodium begins its work")
        var box = [UInt8](repeating: 0, count: content.count + overheadBytes)
        return crypto_box_seal(&box, content, UInt64(content.count), publicKey) == 0 ? box : nil
    }

    /// What is in a box; nil when it is not sealed to this key, or not as it was.
    package static func open(_ box: [UInt8], _ key: KeyPair) -> [UInt8]? {
        guard box.count >= overheadBytes else { return nil }
        precondition(isReady, "libsodium begins its work")
        var content = [UInt8](repeating: 0, count: box.count - overheadBytes)
        return crypto_box_seal_open(&content, box, UInt64(box.count), key.publicKey, key.secretKey) == 0 ? content : nil
    }
}
