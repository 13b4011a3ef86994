import Dataset
import Disk
import Formats
import Logging
import Model
import SystemPackage

/// The master key on disk: a file of 64 hexadecimal digits that nobody but its owner may read.
enum MasterKeyFile {
    private static let digits = MasterKey.byteCount * 2

    /// Reads the key, or makes it when the daemon has no data yet.
    ///
    /// - Throws: `failedPrecondition` when it is missing beside data, not private, not a key, or inside the data folder.
    static func load(
        _ path: FilePath, isCredential: Bool = false, dataFolder: FilePath, hasData: Bool, logger: Logger
    ) throws(Status) -> MasterKey {
        guard !path.lexicallyNormalized().starts(with: dataFolder.lexicallyNormalized()) else {
            throw Status(
                .failedPrecondition, "the master key \(path) is inside the data folder",
                hint: "keep it elsewhere, so that a copy of the data is not a copy of the key")
        }
        if let text = try read(path, isCredential: isCredential) { return try parse(text, path) }
        guard !hasData else {
            throw Status(
                .failedPrecondition, "there is no master key at \(path), but \(dataFolder) holds data made under one",
                hint: "put the key back, or name its file with --master-key")
        }
        let (key, bytes) = MasterKey.random()
        do {
            try PrivateFile.create(path, content: Array("\(hexadecimal(bytes))\n".utf8))
        } catch {
            throw Status(.failedPrecondition, "cannot make the master key: \(error)", hint: "name another file with --master-key")
        }
        logger.notice("made the master key: keep a copy, without it the data cannot be read", metadata: ["file": "\(path)"])
        return key
    }

    private static func read(_ path: FilePath, isCredential: Bool) throws(Status) -> [UInt8]? {
        do {
            return try PrivateFile.read(path, limit: digits + 1, isCredential: isCredential)
        } catch {
            let reason: String
            switch error {
            case .openToOthers(let mode):
                throw Status(
                    .failedPrecondition, "others than its owner may use the master key \(path) (mode \(String(mode, radix: 8)))",
                    hint: "chmod 600 it, and consider whether somebody has read it")
            case .notARegularFile: reason = "it is not a regular file"
            case .tooLarge(let limit): reason = "it is longer than \(limit) bytes"
            case .disk(let error): reason = "\(error)"
            }
            throw Status(.failedPrecondition, "cannot read the master key \(path): \(reason)")
        }
    }

    private static func parse(_ text: [UInt8], _ path: FilePath) throws(Status) -> MasterKey {
        let line = text.last == UInt8(ascii: "\n") ? text.dropLast() : text[...]
        guard line.count == digits, let bytes = bytes(hexadecimal: String(decoding: line, as: UTF8.self)) else {
            throw Status(
                .failedPrecondition, "\(path) is no master key: \(digits) hexadecimal digits are expected",
                hint: "put the key back, or name its file with --master-key")
        }
        guard let key = MasterKey(bytes: bytes) else { preconditionFailure("\(digits) digits are \(MasterKey.byteCount) bytes") }
        return key
    }
}
