import Audit
import Dataset
import Disk
import Model
import SystemPackage

/// The organization's signing key on disk, sealed under the master key.
enum SigningKeyFile {
    private static let purpose = "message-export signing key"
    /// Id of the master key, nonce, key, tag.
    private static let byteCount = 8 + 12 + 32 + 16

    /// The key; nil when there is no file yet.
    /// - Throws: `failedPrecondition` when it cannot be read or opened.
    static func read(_ path: FilePath, master: MasterKey) throws(Status) -> SigningKey? {
        let sealed: [UInt8]?
        do { sealed = try PrivateFile.read(path, limit: byteCount) } catch {
            throw Status(.failedPrecondition, "cannot read the signing key \(path): \(error)", hint: "put it back as it was")
        }
        guard let sealed else { return nil }
        guard sealed.starts(with: master.id) else {
            throw Status(
                .failedPrecondition, "this is not the master key that \(path.removingLastComponent()) was made under",
                hint: "name the right key file with --master-key")
        }
        guard let bytes = master.open(Array(sealed.dropFirst(master.id.count)), for: purpose), let key = SigningKey(bytes: bytes)
        else {
            throw Status(
                .failedPrecondition, "\(path) is damaged", hint: "put it back as it was")
        }
        return key
    }

    /// Seals the key under another master key. When it returns it is durable; until then the old file is.
    static func replace(_ path: FilePath, _ key: SigningKey, master: MasterKey) throws(Status) {
        do { try PrivateFile.replace(path, content: master.id + master.seal(key.bytes, for: purpose)) } catch {
            throw Status(.unavailable, "cannot replace the signing key: \(error)")
        }
    }

    /// Makes the file. When it returns it is durable.
    static func create(_ path: FilePath, _ key: SigningKey, master: MasterKey) throws(Status) {
        do { try PrivateFile.create(path, content: master.id + master.seal(key.bytes, for: purpose)) } catch {
            throw Status(.failedPrecondition, "cannot make the signing key: \(error)")
        }
    }
}
