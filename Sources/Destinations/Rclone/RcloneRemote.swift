import FoundationEssentials
package import Model
import Synchronization

/// A destination that rclone delivers to: a process for each thing that is done.
package final class RcloneRemote: Storage {
    /// What was seen of the destination, which is not looked at twice.
    private struct Seen {
        var isThere = false
        /// The names in folders when they were first looked into.
        var names: [String: Set<String>] = [:]
    }

    private let settings: RcloneSettings
    private let rclone: Rclone
    private let environment: [String: String]
    private let patience: Patience
    private let seen = Mutex(Seen())

    package let isFar = true

    /// - Throws: `DestinationError` `program` when rclone is missing or too old, `timeout`, `stopped`; `Status` naming what it cannot be told.
    package init(
        _ destination: Destination.Settings, _ secrets: [String: Secret], _ rclone: Rclone, _ patience: Patience
    ) throws {
        settings = try RcloneSettings(destination, secrets, rclone.version(patience))
        self.rclone = rclone
        self.patience = patience
        var environment = settings.environment
        if let (variable, secret) = settings.obscured { environment[variable] = try rclone.obscured(secret, patience) }
        self.environment = environment
    }

    // MARK: Storage

    package func begin(_ name: String, in folder: String) throws(DestinationError) -> any Upload {
        try reach()
        return try RcloneUpload(self, name: name, folder: folder)
    }

    package func requireFree(_ name: String, in folder: String) throws(DestinationError) {
        guard try !names(in: folder).contains(name) else {
            throw DestinationError(.nameTaken, "\(place(folder, name)) is there already")
        }
    }

    package func size(of name: String, in folder: String) throws(DestinationError) -> Int64? {
        try stat(place(folder, name))?.size
    }

    package func content(of name: String, in folder: String) throws(DestinationError) -> [UInt8] {
        let path = place(folder, name)
        guard try stat(path) != nil else { throw DestinationError(.noSuchPlace, "\(path) is not there") }
        return try call(["cat", "--count", "\(1 << 20)"], path).output
    }

    package func lists(_ name: String) throws(DestinationError) -> Bool {
        let list = try call(["lsf", "--files-only", "--max-depth", "1", "--include", "/\(name)"], settings.root)
        return String(decoding: list.output, as: UTF8.self).split(separator: "\n").contains { $0 == name }
    }

    package func remove(_ name: String, in folder: String) throws(DestinationError) {
        for name in [name] + (settings.isRenaming ? [Self.unfinished(name)] : []) {
            // What it may not see it takes for missing: so it is asked first.
            if try stat(place(folder, name)) != nil { _ = try call(["deletefile"], place(folder, name)) }
        }
    }

    // MARK: What uploads need

    var isRenaming: Bool { settings.isRenaming }
    var checksum: RcloneSettings.Checksum? { settings.checksum }
    var waiting: Patience { patience }

    static func unfinished(_ name: String) -> String { ".\(name).unfinished" }

    /// Where a name is, below the remote's root.
    func place(_ folder: String, _ name: String) -> String {
        [settings.root, folder, name].filter { !$0.isEmpty }.joined(separator: "/")
    }

    /// What is known of a file; nil: there is none of that name.
    func stat(_ path: String) throws(DestinationError) -> RemoteFile? {
        let ended: Program.Ended
        do throws(DestinationError) {
            ended = try call(["lsjson", "--stat"] + (checksum == nil ? [] : ["--hash"]), path)
        } catch {
            // Neither it nor its folder.
            if error.ended?.code == 3 { return nil }
            throw error
        }
        guard let file = try? JSONDecoder().decode(RemoteFile.self, from: Data(ended.output)) else {
            throw DestinationError(.program, "rclone told of \(path) what cannot be read")
        }
        return file.isFolder ? nil : file
    }

    /// Gives a file of the remote another name; whatever has that name goes.
    func rename(_ path: String, to target: String) throws(DestinationError) {
        try finish(start(["moveto", "D:\(path)", "D:\(target)"]))
    }

    /// Where a file is written to before it has its name.
    func writingPlace(_ folder: String, _ name: String) -> String {
        place(folder, settings.isRenaming ? Self.unfinished(name) : name)
    }

    func upload(to path: String) throws(DestinationError) -> RunningProgram {
        try start(["rcat", "D:\(path)"])
    }

    /// - Throws: what rclone says is wrong.
    func finish(_ running: RunningProgram) throws(DestinationError) {
        let ended = try running.finish(patience)
        guard ended.code == 0 else { throw failure(ended) }
    }

    /// What a process failed of that has ended.
    func failure(_ ended: Program.Ended) -> DestinationError { RcloneErrors(hidden: settings.hidden).error(ended) }

    // MARK: Calls

    /// Makes sure that the destination is there, where rclone would make it.
    private func reach() throws(DestinationError) {
        guard let place = settings.requiredPlace, !seen.withLock({ $0.isThere }) else { return }
        do throws(DestinationError) {
            _ = try call(["lsjson", "--stat"], place)
        } catch {
            guard error.ended?.code == 3 else { throw error }
            throw DestinationError(.noSuchPlace, "there is no \(settings.isRenaming ? "folder" : "container") \(place)")
        }
        seen.withLock { $0.isThere = true }
    }

    /// The files of a folder when it was first looked into.
    private func names(in folder: String) throws(DestinationError) -> Set<String> {
        if let names = seen.withLock({ $0.names[folder] }) { return names }
        var output: [UInt8] = []
        do throws(DestinationError) {
            output = try call(["lsf", "--files-only", "--max-depth", "1"], place(folder, "")).output
        } catch {
            guard error.ended?.code == 3 else { throw error }
        }
        let names = Set(String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init))
        seen.withLock { $0.names[folder] = names }
        return names
    }

    private func call(_ words: [String], _ path: String) throws(DestinationError) -> Program.Ended {
        let ended = try start(words + ["D:\(path)"]).finish(patience)
        guard ended.code == 0 else { throw failure(ended) }
        return ended
    }

    private func start(_ words: [String]) throws(DestinationError) -> RunningProgram {
        let seconds = max(1, patience.stall.components.seconds)
        let options = [
            "--ask-password=false", "--log-level", "ERROR", "--stats", "0", "--retries", "1", "--low-level-retries", "3",
            "--timeout", "\(seconds)s", "--contimeout", "\(min(seconds, 15))s",
        ]
        return try rclone.start(words + options + settings.options, environment, files: settings.files)
    }
}

/// What rclone tells of a file.
struct RemoteFile: Decodable {
    let size: Int64
    let isFolder: Bool
    let hashes: [String: String]?

    private enum CodingKeys: String, CodingKey {
        case size = "Size"
        case isFolder = "IsDir"
        case hashes = "Hashes"
    }
}
