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
        let file = try files.create(path)
        try write(file, identity: identity, keys: keys, master: master)
        try files.syncFolder(path.removingLastComponent())
    }

    /// Puts another one in the place of a key file: the same key, wrapped anew. When it returns, it is durable; until then the old one is.
    static func replace(
        _ path: FilePath, unfinished: FilePath, identity: SegmentIdentity, keys: SegmentKeys, master: MasterKey, files: any Files
    ) throws(DatasetError) {
        do throws(DiskError) {
            if try files.exists(unfinished) { try files.remove(unfinished) }
            try write(try files.create(unfinished), identity: identity, keys: keys, master: master)
            try files.rename(unfinished, to: path)
            try files.syncFolder(path.removingLastComponent())
        } catch {
            throw DatasetError(error.isFull ? .full : .io, "\(error)")
        }
    }

    private static func write(
        _ file: any File, identity: SegmentIdentity, keys: SegmentKeys, master: MasterKey
    ) throws(DiskError) {
        let copy = encode(identity: identity, keys: keys, master: master)
        // An identity fits a block: names are limited to 256 bytes, and so is what a segment replaces.
        precondition(copy.count <= copySize, "an identity fits a block")
        let padding = [UInt8](repeating: 0, count: copySize - copy.count)
        try file.write([Data(copy), Data(padding), Data(copy), Data(padding)], at: 0)
        try file.sync()
    }

    /// What is not as it was written, in either copy.
    static func problems(
        _ path: FilePath, expected: SegmentIdentity, master: MasterKey, files: any Files
    ) throws(DatasetError) -> [String] {
        let file: any File
        do { file = try files.open(path) } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw DatasetError(.io, "\(error)") }
            return ["key file \(path) is missing"]
        }
        var problems: [String] = []
        for (number, start) in [0, copySize].enumerated() {
            do throws(DatasetError) {
                let copy = try readCopy(file, at: start)
                let found = try decode(copy[...], master: master, path: path)
                guard found.identity == expected, copy.dropFirst(found.size).allSatisfy({ $0 == 0 }) else {
                    throw DatasetError(.corrupt, "it was changed")
                }
            } catch {
                guard error.code != .io else { throw error }
                problems.append("copy \(number + 1) of key file \(path) is damaged; the other one is as good")
            }
        }
        return problems.count < 2
            ? problems : ["key file \(path) is damaged in both copies: its records are lost with the next start"]
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
                let found = try decode(try readCopy(file, at: start)[...], master: master, path: path)
                return (found.identity, found.keys)
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
    ) throws(DatasetError) -> (identity: SegmentIdentity, keys: SegmentKeys, size: Int) {
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
            return (identity, SegmentKeys(root: SymmetricKey(data: root)), reader.position - copy.startIndex)
        } catch {
            throw damaged
        }
    }
}
