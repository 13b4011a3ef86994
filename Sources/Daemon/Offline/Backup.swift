import Catalog
import Crypto
import Disk
import Formats
import Foundation
package import Model
package import SystemPackage

/// A folder with everything of a daemon but records and the keys that open records: catalog, signing key and what it believed of the time.
///
/// `backup.json` comes last and names each file with its SHA-256: a folder without it is no backup.
package struct Backup: Sendable {
    /// What `backup.json` says.
    package struct Summary: Codable, Sendable {
        /// Of this format.
        package var version = 1
        /// Version of the program that made it.
        package var program: String
        /// When, as that machine's clock had it.
        package var madeAt: String
        /// Name of the organization.
        package var organization: String
        /// SHA-256 of each file, by name.
        package var files: [String: String]
    }

    static let summaryName = "backup.json"

    /// Where it is.
    package let folder: FilePath
    private let files = PosixFiles()

    package init(_ folder: FilePath) {
        self.folder = folder
    }

    /// Makes it of a data folder, whose daemon may be running. When it returns it is durable, whole and checked. Blocks.
    ///
    /// - Throws: `failedPrecondition` when there is something at its place already, or nothing to back up; `unavailable`.
    package func make(of settings: DaemonSettings) throws(Status) -> Summary {
        do {
            guard try files.exists(settings.catalog) else {
                throw Status(
                    .failedPrecondition, "\(settings.data) is no data folder of this program", hint: "name it with --data")
            }
            guard try !files.exists(folder) || files.list(folder).isEmpty else {
                throw Status(.failedPrecondition, "\(folder) holds something already", hint: "name a folder that is not there")
            }
            try files.createFolder(folder)
            let name = try CatalogStore.copy(settings.catalog, to: folder.appending("catalog.sqlite"))
            var sums: [String: String] = [:]
            for (source, name) in [(settings.signingKey, "signing.key"), (settings.trustedTime, "trusted-time")] {
                let content = try Self.read(source)
                try PrivateFile.create(folder.appending(name), content: content)
                sums[name] = hexadecimal(SHA256.hash(data: content))
            }
            try files.open(folder.appending("catalog.sqlite")).sync()
            sums["catalog.sqlite"] = try Self.sum(of: folder.appending("catalog.sqlite"))
            let summary = Summary(program: productVersion, madeAt: WallClock.now.description, organization: name, files: sums)
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try PrivateFile.create(folder.appending(Self.summaryName), content: Array(encoder.encode(summary)))
            return summary
        } catch {
            throw Self.status(error)
        }
    }

    /// What it holds, when each file is as it was written. Blocks.
    ///
    /// - Throws: `failedPrecondition` when it is none, is not whole, or is of a newer program.
    package func check() throws(Status) -> Summary {
        let summary: Summary
        do {
            let bytes = try Self.read(folder.appending(Self.summaryName))
            summary = try JSONDecoder().decode(Summary.self, from: Data(bytes))
        } catch {
            throw Status(.failedPrecondition, "\(folder) is no whole backup: it has no \(Self.summaryName) that can be read")
        }
        guard summary.version == 1 else {
            throw Status(
                .failedPrecondition, "\(folder) was made by version \(summary.program) of this program, which is newer",
                hint: "restore it with that version")
        }
        for name in ["catalog.sqlite", "signing.key", "trusted-time"] {
            let sum: String
            do { sum = try Self.sum(of: folder.appending(name)) } catch { throw Self.status(error) }
            guard sum == summary.files[name] else {
                throw Status(
                    .failedPrecondition, "\(folder.appending(name)) is not as it was written", hint: "use another backup")
            }
        }
        return summary
    }

    static func read(_ path: FilePath) throws -> [UInt8] {
        guard let content = try PrivateFile.read(path, limit: 1 << 20) else {
            throw DiskError("open", path, .noSuchFileOrDirectory)
        }
        return content
    }

    private static func sum(of path: FilePath) throws -> String {
        let file = try PosixFiles().open(path)
        var hash = SHA256()
        var offset: Int64 = 0
        let size = try file.size()
        while offset < size {
            let piece = try file.read(Int(min(1 << 20, size - offset)), at: offset)
            guard !piece.isEmpty else { break }
            hash.update(data: piece)
            offset += Int64(piece.count)
        }
        return hexadecimal(hash.finalize())
    }

    static func status(_ error: any Error) -> Status {
        switch error {
        case let status as Status: status
        case let error as DiskError: Status(error)
        case let error as CatalogError: Status(error)
        case let refusal as PrivateFile.Refusal: Status(.failedPrecondition, "a file of the backup cannot be read: \(refusal)")
        default: Status(.unavailable, "\(error)")
        }
    }
}
