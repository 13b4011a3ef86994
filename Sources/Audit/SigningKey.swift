import Crypto
import Model

/// The organization's Ed25519 key: signs audit heads, and whatever else must be provable without this program.
package struct SigningKey: Sendable {
    private let key: Curve25519.Signing.PrivateKey

    /// Nil when these are not the 32 bytes of a key.
    package init?(bytes: [UInt8]) {
        guard let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: bytes) else { return nil }
        self.key = key
    }

    private init(key: Curve25519.Signing.PrivateKey) {
        self.key = key
    }

    /// A new random key.
    package static func random() -> SigningKey { SigningKey(key: Curve25519.Signing.PrivateKey()) }

    /// Its secret bytes, to be sealed and kept.
    package var bytes: [UInt8] { Array(key.rawRepresentation) }

    /// What others check signatures with: 32 bytes.
    package var publicKey: [UInt8] { Array(key.publicKey.rawRepresentation) }

    /// What a person is called where no name may stand: nobody without this key can tell whether it is someone's. 32 hexadecimal digits.
    package func fingerprint(of person: String) -> String {
        let key = HKDF<SHA256>.deriveKey(
            inputKeyMaterial: SymmetricKey(data: bytes), info: Array("message-export person".utf8), outputByteCount: 32)
        let code = HMAC<SHA256>.authenticationCode(for: Array(person.utf8), using: key)
        return code.prefix(16).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Ed25519 over the bytes, 64 bytes.
    package func signature(of bytes: [UInt8]) -> [UInt8] {
        do {
            return try Array(key.signature(for: bytes))
        } catch {
            preconditionFailure("Ed25519 signs any bytes: \(error)")
        }
    }

    /// Whether somebody with that key signed the bytes.
    package static func isValid(_ signature: [UInt8], of bytes: [UInt8], publicKey: [UInt8]) -> Bool {
        guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else { return false }
        return key.isValidSignature(signature, for: bytes)
    }
}
