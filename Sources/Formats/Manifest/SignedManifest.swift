import Foundation
package import Model

/// A manifest as a file: one JSON document whose last member is the signature.
///
/// What is signed is the document without that member: all bytes before `,"signature"`, and `}`. So whoever has the public key can check it with
/// any implementation of Ed25519, and any reader of JSON can read it.
package struct SignedManifest: Sendable {
    /// What it says.
    package let manifest: Manifest
    /// The bytes that are signed.
    package let signed: [UInt8]
    /// Ed25519, 64 bytes.
    package let signature: [UInt8]

    private static let mark = Array(#","signature":""#.utf8)
    private static let end = Array("\"}\n".utf8)

    /// The file of a manifest. The same manifest and key give the same signed bytes.
    package static func file(_ manifest: Manifest, sign: ([UInt8]) -> [UInt8]) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // There is nothing in it that JSON cannot say.
        guard let signed = try? Array(encoder.encode(manifest)) else { preconditionFailure("a manifest is text and numbers") }
        return signed.dropLast() + mark + Array(hexadecimal(sign(signed)).utf8) + end
    }

    /// - Throws: `invalidArgument` when it is no such file, whoever signed it.
    package init(file: [UInt8]) throws(Status) {
        let digits = file.dropLast(Self.end.count).suffix(128)
        let head = file.dropLast(Self.end.count + 128)
        guard file.suffix(Self.end.count).elementsEqual(Self.end), head.suffix(Self.mark.count).elementsEqual(Self.mark),
            let signature = bytes(hexadecimal: String(decoding: digits, as: UTF8.self))
        else { throw Status(.invalidArgument, "it does not end in a signature") }
        signed = Array(head.dropLast(Self.mark.count)) + [UInt8(ascii: "}")]
        self.signature = signature
        do { manifest = try JSONDecoder().decode(Manifest.self, from: Data(signed)) } catch {
            throw Status(.invalidArgument, "it is no manifest")
        }
    }
}
