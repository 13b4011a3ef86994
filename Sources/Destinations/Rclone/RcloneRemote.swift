import FoundationEssentials
import Model
package import SystemPackage

/// A destination that rclone delivers to: a process for each thing that is done.
package struct RcloneRemote: Storage {
    private let settings: RcloneSettings
    private let runner: ProgramRunner
    private let rclone: FilePath
    private let patience: Patience

    /// - Parameters:
    ///   - rclone: its path; it is run with nothing but these settings.
    /// - Throws: `program` when rclone is missing or too old, `timeout`, `stopped`.
    package init(
        _ settings: RcloneSettings, rclone: FilePath, runner: ProgramRunner, patience: Patience
    ) throws(DestinationError) {
        self.settings = settings
        self.runner = runner
        self.rclone = rclone
        self.patience = patience
        self.environment = settings.environment
        environment.merge(Self.surroundings) { first, _ in first }
        try checkVersion()
        if let (variable, secret) = settings.obscured { environment[variable] = try obscure(secret) }
    }

    private var environment: [String: String]

    /// Where a backend cannot take content as it comes, rclone would write it to a file first: it finds no place for that.
    private static let surroundings = ["PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TMPDIR": "/nonexistent"]

    // MARK: Storage

    package func begin(_ name: String, in folder: String) throws(DestinationError) -> any Upload {
        if settings.isRenaming { try reach() }
        return try RcloneUpload(self, name: name, folder: folder)
    }

    package func requireFree(_ name: String, in folder: String) throws(DestinationError) {
        guard try stat(place(folder, name)) == nil else {
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

    /// Makes sure that the destination's own folder is there: rclone would make it.
    private func reach() throws(DestinationError) {
        guard !settings.root.isEmpty else { return }
        do throws(DestinationError) {
            _ = try call(["lsjson", "--stat"], settings.root)
        } catch {
            guard error.ended?.code == 3 else { throw error }
            throw DestinationError(.noSuchPlace, "there is no folder \(settings.root)")
        }
    }

    private func call(_ words: [String], _ path: String) throws(DestinationError) -> Program.Ended {
        let ended = try start(words + ["D:\(path)"]).finish(patience)
        guard ended.code == 0 else { throw failure(ended) }
        return ended
    }

    private func start(_ words: [String]) throws(DestinationError) -> RunningProgram {
        let seconds = max(1, patience.stall.components.seconds)
        let options = [
            "--config", "", "--ask-password=false", "--log-level", "ERROR", "--stats", "0", "--retries", "1",
            "--low-level-retries",
            "3", "--timeout", "\(seconds)s", "--contimeout", "\(min(seconds, 15))s",
        ]
        return try runner.start(
            Program(
                path: rclone, arguments: words + options + settings.options, environment: environment, files: settings.files))
    }

    private func checkVersion() throws(DestinationError) {
        let ended: Program.Ended
        do throws(DestinationError) {
            ended = try runner.start(
                Program(path: rclone, arguments: ["version", "--config", ""], environment: Self.surroundings)
            ).finish(patience)
        } catch {
            guard error.reason == .program else { throw error }
            throw DestinationError(.program, "rclone cannot be run at \(rclone): install it, or name it with --rclone")
        }
        // As in: rclone v1.60.1-DEV
        let first = String(decoding: ended.output, as: UTF8.self).split(whereSeparator: \.isNewline).first ?? ""
        let numbers =
            first.split(separator: "v").last?.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) } ?? []
        guard ended.code == 0, first.hasPrefix("rclone v"), numbers.count == 2 else {
            throw DestinationError(.program, "\(rclone) is no rclone")
        }
        guard (numbers[0], numbers[1]) >= (1, 60) else {
            throw DestinationError(.program, "rclone \(numbers[0]).\(numbers[1]) is too old: 1.60 is needed")
        }
    }

    /// As rclone wants passwords, against eyes alone.
    private func obscure(_ secret: Secret) throws(DestinationError) -> String {
        let running = try runner.start(
            Program(path: rclone, arguments: ["obscure", "-", "--config", ""], environment: Self.surroundings))
        try running.write(Array(secret.text.utf8), patience)
        let ended = try running.finish(patience)
        guard ended.code == 0 else { throw DestinationError(.program, "rclone cannot take the password") }
        return String(decoding: ended.output, as: UTF8.self).split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
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
