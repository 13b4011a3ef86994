import Crypto
import Disk
import FoundationEssentials
import SystemPackage

/// The key file of a segment: its identity and its key, wrapped by the master key. See Format.md beside this file.
enum KeyFile {
    static let magic = Array("MSGXKEY\0".utf8)
    static let version: UInt16 = 1
    /// Each of the two copies begins on a block of its own, so that one bad sector leaves the other.
    static let copySize = 4096

    /// Makes the key file. When it returns, the key is durable.
    static func create(
        _ path: FilePath, identity: SegmentIdentity, keys: SegmentKeys, master: MasterKey, files: any Files
    ) throws(DiskError) {
        let copy = encode(identity: identity, keys: keys, master: master)
        precondition(copy.count <= copySize, "an identity fits a block: names are limited to 256 bytes")
        let padding = [UInt8](repeating: 0, count: copySize - copy.count)
        let file = try files.create(path)
        try file.write([Data(copy), Data(padding), Data(copy), Data(padding)], at: 0)
        try file.sync()
        try files.syncFolder(path.removingLastComponent())
    }

    /// Reads the key file, from either copy.
    static func read(
        _ path: FilePath, master: MasterKey, files: any Files
    ) throws(DatasetError) -> (identity: SegmentIdentity, keys: SegmentKeys) {
        let file: any File
        do { file = try files.open(path) } catch { throw DatasetError(.io, "\(error)") }
        var failures: [DatasetError] = []
        for start in [0, copySize] {
            do throws(DatasetError) {
                return try decode(try readCopy(file, at: start)[...], master: master, path: path)
            } catch {
                failures.append(error)
            }
        }
        // A copy that says it is of another key, or newer, says more than one that says nothing.
        throw failures.first { $0.code != .corrupt } ?? DatasetError(.corrupt, "key file \(path) is damaged in both copies")
    }

    private static func readCopy(_ file: any File, at offset: Int) throws(DatasetError) -> [UInt8] {
        do {
            return try file.read(copySize, at: Int64(offset))
        } catch {
            // A sector that cannot be read is damage like any other.
            throw DatasetError(error.errno == .ioError ? .corrupt : .io, "\(error)")
        }
    }

    static func encode(identity: SegmentIdentity, keys: SegmentKeys, master: MasterKey) -> [UInt8] {
        let identityBytes = identity.encoded
        var writer = ByteWriter()
        writer.write(magic)
        writer.write(version)
        writer.write(UInt16(0))
        writer.write(master.id)
        writer.write(UInt32(identityBytes.count))
        writer.write(identityBytes)
        do {
            let rootBytes = keys.root.withUnsafeBytes { Array($0) }
            let box = try AES.GCM.seal(rootBytes, using: master.key, authenticating: writer.bytes)
            writer.write(box.nonce)
            writer.write(box.ciphertext)
            writer.write(box.tag)
        } catch {
            preconditionFailure("AES-GCM seals 32 bytes under a 256-bit key: \(error)")
        }
        return writer.bytes
    }

    static func decode(
        _ copy: ArraySlice<UInt8>, master: MasterKey, path: FilePath
    ) throws(DatasetError) -> (identity: SegmentIdentity, keys: SegmentKeys) {
        let damaged = DatasetError(.corrupt, "key file \(path) is damaged")
        var reader = ByteReader(copy)
        guard let found = reader.read(magic.count), Array(found) == magic, let foundVersion = reader.read(UInt16.self) else {
            throw damaged
        }
        guard foundVersion == version else {
            throw DatasetError(.unsupportedVersion, "key file \(path) has version \(foundVersion), this program knows \(version)")
        }
        guard reader.read(UInt16.self) != nil, let masterID = reader.read(master.id.count) else { throw damaged }
        guard Array(masterID) == master.id else {
            throw DatasetError(.wrongMasterKey, "key file \(path) was made under another master key")
        }
        guard let length = reader.read(UInt32.self), let identityBytes = reader.read(Int(length)),
            let identity = SegmentIdentity(encoded: identityBytes)
        else { throw damaged }
        let authenticated = copy[copy.startIndex..<reader.position]
        guard let nonceBytes = reader.read(12), let wrapped = reader.read(MasterKey.byteCount), let tag = reader.read(16) else {
            throw damaged
        }
        do {
            let box = try AES.GCM.SealedBox(nonce: AES.GCM.Nonce(data: nonceBytes), ciphertext: wrapped, tag: tag)
            let root = try AES.GCM.open(box, using: master.key, authenticating: authenticated)
            return (identity, SegmentKeys(root: SymmetricKey(data: root)))
        } catch {
            throw damaged
        }
    }
}
