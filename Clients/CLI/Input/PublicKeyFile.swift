import ArgumentParser
import Formats
import Foundation
import MessageExportClient

/// The organization's public key, as somebody gives it.
enum PublicKeyFile {
    /// The key's 32 bytes.
    ///
    /// - Parameter argument: the key in hexadecimal digits, or the path of a file with them or with what `organization show -o json` says.
    /// - Throws: `notFound` for a path where nothing can be read.
    static func read(_ argument: String) throws -> [UInt8] {
        if let key = key(argument) { return key }
        guard let file = try? Data(contentsOf: URL(filePath: argument)) else {
            throw Status(
                .notFound, "the public key \(argument) cannot be read", hint: "name a file, or give its 64 hexadecimal digits")
        }
        let json = (try? JSONSerialization.jsonObject(with: file)) as? [String: Any]
        let text = json?["signingKey"] as? String ?? String(decoding: file, as: UTF8.self)
        guard let key = key(text) else {
            throw ValidationError("\(argument) holds no public key: 64 hexadecimal digits are expected")
        }
        return key
    }

    private static func key(_ text: String) -> [UInt8]? {
        bytes(hexadecimal: text.trimmingCharacters(in: .whitespacesAndNewlines)).flatMap { $0.count == 32 ? $0 : nil }
    }
}
