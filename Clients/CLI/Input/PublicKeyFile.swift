import ArgumentParser
import Formats
import Foundation

/// A file with the organization's public key.
enum PublicKeyFile {
    /// The key's 32 bytes.
    static func read(_ path: String) throws -> [UInt8] {
        let text = try String(contentsOfFile: path, encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)
        guard let key = bytes(hexadecimal: text), key.count == 32 else {
            throw ValidationError("\(path) holds no public key: 64 hexadecimal digits are expected")
        }
        return key
    }
}
