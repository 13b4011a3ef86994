import ArgumentParser
import Audit
import Crypto
import Formats
import Foundation
import MessageExportClient

struct ManifestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manifest", abstract: "Manifests: what runs delivered, signed.",
        discussion: """
            EXAMPLE
              msgexport manifest verify /srv/archive --public-key organization.pub
            """,
        subcommands: [Verify.self])

    struct Verify: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Checks manifests and the files that they name, without the daemon.",
            discussion: """
                All manifests in the folder and below it: whether each was signed by the organization, counts what it lists, and has its files \
                as they were delivered; and whether those of a dataflow follow one another without a gap. Names what is wrong, and exits with \
                11 then. 'msgexport organization show' tells the public key: a file of 64 hexadecimal digits. Without a key signatures are \
                not checked, and it says so.

                EXAMPLES
                  msgexport manifest verify /srv/archive --public-key organization.pub
                  msgexport manifest verify /srv/archive -o json
                """)

        @Argument(help: "Folder that dataflows exported to.")
        var folder: String

        @Option(help: ArgumentHelp("File with the organization's public key.", valueName: "path"))
        var publicKey: String?

        @OptionGroup var connection: Connection

        func run() throws {
            let key = try publicKey.map(PublicKeyFile.read)
            var check = FolderCheck(folder: URL(filePath: folder), publicKey: key)
            try check.run()
            Terminal.show(
                [
                    Field("Manifests", "manifests", .number(UInt64(check.found.count))),
                    Field("Files", "files", .number(check.files)), Field("Records", "records", .number(check.records)),
                    Field("Bytes", "bytes", .number(check.bytes)),
                    Field("Signatures", "signatures", .text(key == nil ? "NOT CHECKED: no --public-key" : "checked")),
                    Field("Result", "result", .text(check.problems.isEmpty ? "good" : "\(check.problems.count) problems")),
                    Field("Problems", "problems", .rows(check.problems.map { [Field("Problem", "problem", .text($0))] })),
                ], as: connection.output)
            guard check.problems.isEmpty else { throw ExitCode(ExitStatus.code(for: .dataLoss)) }
        }
    }
}

/// A folder with manifests, looked at as a whole.
private struct FolderCheck {
    let folder: URL
    /// Nil: signatures are not checked.
    let publicKey: [UInt8]?
    private(set) var found: [ManifestCheck.Found] = []
    private(set) var problems: [String] = []
    private(set) var files: UInt64 = 0
    private(set) var records: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    init(folder: URL, publicKey: [UInt8]?) {
        self.folder = folder
        self.publicKey = publicKey
    }

    mutating func run() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw ValidationError("there is no folder \(folder.path)")
        }
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        for path in paths where isManifest(path) { take(path) }
        for one in found { check(one) }
        let chained = found.filter(\.manifest.isChained)
        for (_, chain) in Dictionary(grouping: chained, by: { [$0.manifest.dataflow.id, "\($0.manifest.epoch)"] }).sorted(by: {
            $0.key.lexicographicallyPrecedes($1.key)
        }) {
            problems += ManifestCheck.problems(between: chain)
        }
        if found.isEmpty, problems.isEmpty { problems.append("\(folder.path): there is no manifest") }
    }

    private func isManifest(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name.hasPrefix("manifest-") && name.hasSuffix(".json")
    }

    private mutating func take(_ path: String) {
        do {
            let file = try Array(Data(contentsOf: folder.appending(path: path)))
            let signed = try SignedManifest(file: file)
            if let publicKey, !SigningKey.isValid(signed.signature, of: signed.signed, publicKey: publicKey) {
                problems.append("\(path): the organization did not sign it, or it was changed since")
            }
            found.append(.init(place: path, signed: signed, sha256: hexadecimal(SHA256.hash(data: file))))
        } catch let error as Status {
            problems.append("\(path): \(error.message)")
        } catch {
            problems.append("\(path): it cannot be read")
        }
    }

    private mutating func check(_ one: ManifestCheck.Found) {
        problems += ManifestCheck.problems(of: one.manifest).map { "\(one.place): \($0)" }
        // Beside the manifest: the folder as a whole may have been moved.
        let place = one.place.split(separator: "/").dropLast().joined(separator: "/")
        for file in one.manifest.exportResults {
            files += 1
            records &+= file.records
            guard !file.name.contains("/") else {
                problems.append("\(one.place): \(file.name) is no name of a file")
                continue
            }
            let path = place.isEmpty ? file.name : "\(place)/\(file.name)"
            do {
                let (size, digest) = try digest(folder.appending(path: path))
                bytes += size
                if size != UInt64(clamping: file.size) {
                    problems.append("\(path): it has \(size) bytes, and the manifest says \(file.size)")
                } else if digest != file.sha256 {
                    problems.append("\(path): it is not what was delivered: its SHA-256 is another")
                }
            } catch {
                problems.append("\(path): it is missing, or cannot be read")
            }
        }
    }

    private func digest(_ file: URL) throws -> (size: UInt64, sha256: String) {
        let handle = try FileHandle(forReadingFrom: file)
        defer { try? handle.close() }
        var (hash, size) = (SHA256(), UInt64(0))
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(data: piece)
            size += UInt64(piece.count)
        }
        return (size, hexadecimal(hash.finalize()))
    }
}
