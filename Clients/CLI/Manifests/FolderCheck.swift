import Audit
import Crypto
import Formats
import Foundation
import Glibc
import MessageExportClient

/// A folder with manifests, looked at as a whole. Nothing that is a link is followed.
struct FolderCheck {
    /// What is wrong, and with what.
    struct Problem {
        let path: String
        let text: String
    }

    private enum Kind {
        case file
        case link
        case other
    }

    private let folder: URL
    /// Nil: signatures are not checked.
    private let publicKey: [UInt8]?
    private(set) var found: [ManifestCheck.Found] = []
    private(set) var problems: [Problem] = []
    /// Paths of what no manifest names, and that is no sign of anything wrong.
    private(set) var unlisted: [String] = []
    private(set) var files: UInt64 = 0
    private(set) var records: UInt64 = 0
    private(set) var bytes: UInt64 = 0

    init(folder: URL, publicKey: [UInt8]?) {
        // Whoever names a link means what it leads to.
        self.folder = folder.resolvingSymlinksInPath()
        self.publicKey = publicKey
    }

    /// - Throws: `notFound` when there is no such folder.
    mutating func run() throws {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder.boolValue else {
            throw Status(.notFound, "there is no folder \(folder.path)")
        }
        guard access(folder.path, R_OK | X_OK) == 0 else {
            throw Status(.permissionDenied, "the folder \(folder.path) may not be read")
        }
        let paths = try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
        for path in paths where isManifest(path) { take(path) }
        var named = Set(found.map(\.place))
        for one in found { named.formUnion(check(one)) }
        let runs = Set(found.map(\.manifest.flowRunId))
        for path in paths where !named.contains(path) { look(atUnlisted: path, runs) }
        for (_, chain) in chains {
            problems += ManifestCheck.problems(between: chain).map { Problem(path: $0.place, text: $0.text) }
        }
        if found.isEmpty, problems.isEmpty { problems.append(Problem(path: folder.path, text: "there is no manifest")) }
    }

    /// The manifests of each dataflow that follow one another.
    var chains: [(dataflow: String, chain: [ManifestCheck.Found])] {
        let chained = found.filter(\.manifest.isChained)
        return Dictionary(grouping: chained, by: { "\($0.manifest.dataflow.id) \($0.manifest.epoch)" })
            .sorted { $0.key < $1.key }.map { ($0.value[0].manifest.dataflow.name, $0.value) }
    }

    private func kind(of path: String) -> Kind {
        var status = stat()
        guard lstat(folder.appending(path: path).path, &status) == 0 else { return .other }
        switch status.st_mode & S_IFMT {
        case S_IFREG: return .file
        case S_IFLNK: return .link
        default: return .other
        }
    }

    private func isManifest(_ path: String) -> Bool {
        let name = path.split(separator: "/").last ?? ""
        return name.hasPrefix("manifest-") && name.hasSuffix(".json")
    }

    private mutating func take(_ path: String) {
        func problem(_ text: String) { problems.append(Problem(path: path, text: text)) }
        guard kind(of: path) == .file else { return problem("it is no regular file") }
        do {
            let file = try Array(Data(contentsOf: folder.appending(path: path)))
            let signed = try SignedManifest(file: file)
            if let publicKey, !SigningKey.isValid(signed.signature, of: signed.signed, publicKey: publicKey) {
                problem("the organization did not sign it, or it was changed since")
            }
            found.append(.init(place: path, signed: signed, sha256: hexadecimal(SHA256.hash(data: file))))
        } catch let error as Status {
            problem(error.message)
        } catch {
            problem("it cannot be read")
        }
    }

    /// - Returns: the paths that it names.
    private mutating func check(_ one: ManifestCheck.Found) -> [String] {
        problems += ManifestCheck.problems(of: one.manifest).map { Problem(path: one.place, text: $0) }
        // Beside the manifest: the folder as a whole may have been moved.
        let place = one.place.split(separator: "/").dropLast().map { "\($0)/" }.joined()
        return one.manifest.exportResults.compactMap { file in
            files += 1
            records &+= file.records
            guard !file.name.contains("/") else {
                problems.append(Problem(path: one.place, text: "\(file.name) is no name of a file"))
                return nil
            }
            let path = place + file.name
            if let text = check(file, at: path) { problems.append(Problem(path: path, text: text)) }
            return path
        }
    }

    /// What is wrong with a delivered file.
    private mutating func check(_ file: Manifest.File, at path: String) -> String? {
        switch kind(of: path) {
        case .link: return "it is a link, and no file that was delivered"
        case .other where FileManager.default.fileExists(atPath: folder.appending(path: path).path):
            return "it is no regular file"
        case .file, .other: break
        }
        guard let (size, digest) = try? digest(folder.appending(path: path)) else { return "it is missing, or cannot be read" }
        bytes += size
        guard size == UInt64(clamping: file.size) else { return "it has \(size) bytes, and the manifest says \(file.size)" }
        return digest == file.sha256 ? nil : "it is not what was delivered: its SHA-256 is another"
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

    /// A data file of a run whose manifest does not name it was put there by somebody else.
    private mutating func look(atUnlisted path: String, _ runs: Set<String>) {
        let name = path.split(separator: "/").last ?? ""
        guard !isManifest(path), kind(of: path) != .other else { return }
        // As in `part-00000-RUN.json.gz`.
        let run = name.split(separator: "-", maxSplits: 2).last?.prefix { $0 != "." } ?? ""
        if name.hasPrefix("part-"), runs.contains(String(run)) {
            problems.append(Problem(path: path, text: "no manifest names it, and its run has one"))
        } else {
            unlisted.append(path)
        }
    }
}
