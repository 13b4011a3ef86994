package import Disk
import FoundationEssentials
import Synchronization
package import SystemPackage

/// Whether a path is of a file right in the folder whose path and slash it begins with.
private func isIn(_ folder: String, _ path: String) -> Bool {
    path.hasPrefix(folder) && !path.utf8.dropFirst(folder.utf8.count).contains(UInt8(ascii: "/"))
}

extension SimulatedFiles.Remains {
    /// What is left of a file.
    fileprivate func bytes(of node: SimulatedFiles.Node, using generator: inout SeededGenerator) -> [UInt8] {
        let size = Bool.random(using: &generator) ? node.bytes.count : node.durable.count
        var bytes = Array(node.durable.prefix(size))
        bytes += [UInt8](repeating: 0, count: size - bytes.count)
        // Behind its end nothing was written: it was cut off, or it was not.
        let changed = stride(from: 0, to: min(size, node.bytes.count), by: 512).filter { sector in
            let range = sector..<min(sector + 512, node.bytes.count)
            return range.upperBound > node.durable.count || node.bytes[range] != node.durable[range]
        }
        let kept = Int.random(in: 0...changed.count, using: &generator)
        for (number, sector) in changed.enumerated() {
            let range = sector..<min(sector + 512, size, node.bytes.count)
            switch self {
            case .garbage: bytes.replaceSubrange(range, with: generator.bytes(range.count))
            case .torn where number >= kept: break
            case .some where Bool.random(using: &generator): break
            default: bytes.replaceSubrange(range, with: node.bytes[range])
            }
        }
        return bytes
    }
}

/// A file system in memory that knows what a power cut would leave: only what was synced is sure to stay.
///
/// Files' bytes are durable after the file's `sync`, names after the folder's `syncFolder`. Every operation that changes something
/// is counted, so that a test can stop the world, or make the disk fail, at each of them.
package final class SimulatedFiles: Files {
    /// What happens at an operation, and from then on.
    package enum Fault: Sendable {
        /// Nothing works any more, as for a process that was killed.
        case stop
        /// This one operation fails; a write leaves its first half.
        case fail(Errno)
    }

    /// What a power cut leaves of what was not synced.
    package enum Remains: Sendable {
        case nothing
        /// As when only the process died: it is all there, and still not synced.
        case everything
        /// Any of the unsynced 512-byte sectors and names, chosen by a seed.
        case some(seed: UInt64)
        /// The unsynced bytes up to a sector, and the names, chosen by a seed.
        case torn(seed: UInt64)
        /// Any bytes where the unsynced ones were, and the names, chosen by a seed.
        case garbage(seed: UInt64)
    }

    fileprivate struct Node {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
        /// Sectors that cannot be read.
        var spoiled: Set<Int> = []

        mutating func sync() { durable = bytes }
        mutating func reset() { bytes = durable }
    }

    fileprivate struct State {
        var nodes: [Int: Node] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var folders: Set<String> = []
        var operations = 0
        var faults: [Int: Fault] = [:]
        var isStopped = false
        var openFailure: Errno?
    }

    private let state: Mutex<State>
    /// Whether `sync` and `syncFolder` do what they say; false shows that a test notices when they do not.
    private let syncs: Bool
    /// Called on the thread that syncs a file, before it is done: may hold it up.
    private let beforeSync: @Sendable () -> Void
    /// Called on the thread that has opened a file, before it has it.
    private let afterOpen: @Sendable (FilePath) -> Void

    /// - Parameters:
    ///   - faults: what happens at which operation, counted from 0.
    ///   - syncs: whether a sync makes durable; false: it says so, and does nothing.
    ///   - beforeSync: is called before each sync, on the thread of its caller.
    ///   - afterOpen: is called after each opening of a file, on the thread of its caller.
    package init(
        faults: [Int: Fault] = [:], syncs: Bool = true, beforeSync: @escaping @Sendable () -> Void = {},
        afterOpen: @escaping @Sendable (FilePath) -> Void = { _ in }
    ) {
        state = Mutex(State(faults: faults))
        self.syncs = syncs
        self.beforeSync = beforeSync
        self.afterOpen = afterOpen
    }

    private init(_ state: consuming State) {
        self.state = Mutex(state)
        syncs = true
        beforeSync = {}
        afterOpen = { _ in }
    }

    /// Operations so far that changed something.
    package var operations: Int { state.withLock { $0.operations } }

    /// Lets something happen at an operation to come.
    package func fail(at operation: Int, _ fault: Fault) {
        state.withLock { $0.faults[operation] = fault }
    }

    /// Lets every opening of a file fail, as where a process has no descriptors left; nil: as before.
    package func failOpening(_ errno: Errno?) {
        state.withLock { $0.openFailure = errno }
    }

    /// The file system that is found after a power cut now.
    package func afterPowerCut(_ remains: Remains) -> SimulatedFiles {
        state.withLock { state in
            var found = State(nodes: state.nodes, durableNames: state.durableNames, folders: state.folders)
            switch remains {
            case .nothing:
                found.names = state.durableNames
                for id in Array(found.nodes.keys) { found.nodes[id]?.reset() }
            case .everything:
                found.names = state.names
                return SimulatedFiles(found)
            case .some(let seed), .torn(let seed), .garbage(let seed):
                var generator = SeededGenerator(seed: seed)
                found.names = SimulatedFiles.mixed(state, using: &generator)
                for id in found.nodes.keys.sorted() {
                    if let node = state.nodes[id] { found.nodes[id]?.bytes = remains.bytes(of: node, using: &generator) }
                }
            }
            // What survived the power cut is on the disk.
            found.durableNames = found.names
            for id in Array(found.nodes.keys) { found.nodes[id]?.sync() }
            return SimulatedFiles(found)
        }
    }

    /// Each file has the names that were durable, or those that it had last; so a rename happened or it did not.
    private static func mixed(_ state: borrowing State, using generator: inout SeededGenerator) -> [String: Int] {
        var isNew: [Int: Bool] = [:]
        for id in state.nodes.keys.sorted() { isNew[id] = Bool.random(using: &generator) }
        var names: [String: Int] = [:]
        for path in Set(state.names.keys).union(state.durableNames.keys) {
            let (new, old) = (state.names[path], state.durableNames[path])
            if let new, new == old || isNew[new] == true {
                names[path] = new
            } else if let old, new != nil || isNew[old] == false {
                names[path] = old
            }
        }
        return names
    }

    /// Damages a file: flips the lowest bit of the byte at `offset`.
    package func flip(_ path: FilePath, at offset: Int) {
        state.withLock { state in
            guard let id = state.names[path.string] else { return }
            state.nodes[id]?.bytes[offset] ^= 1
            state.nodes[id]?.sync()
        }
    }

    /// Makes the sector of 512 bytes at `offset` fail to be read.
    package func spoil(_ path: FilePath, at offset: Int) {
        state.withLock { state in
            guard let id = state.names[path.string] else { return }
            state.nodes[id]?.spoiled.insert(offset / 512)
        }
    }

    /// Overwrites part of a file with zeros, as a disk may that lost a write.
    package func zero(_ path: FilePath, _ range: Range<Int>) {
        state.withLock { state in
            guard let id = state.names[path.string] else { return }
            for index in range { state.nodes[id]?.bytes[index] = 0 }
            state.nodes[id]?.sync()
        }
    }

    /// A file's bytes as a reader sees them; empty when there is no such file.
    package func content(_ path: FilePath) -> [UInt8] {
        state.withLock { state in state.names[path.string].flatMap { state.nodes[$0]?.bytes } ?? [] }
    }

    /// All files, by path.
    package var paths: [FilePath] { state.withLock { $0.names.keys.sorted().map { FilePath($0) } } }

    // MARK: Files

    package func createFolder(_ path: FilePath) throws(DiskError) {
        try change("create folder", path) { state in
            var folder = path
            while !folder.components.isEmpty {
                state.folders.insert(folder.string)
                folder.removeLastComponent()
            }
        }
    }

    package func syncFolder(_ path: FilePath) throws(DiskError) {
        try change("sync folder", path) { [syncs] state in
            guard syncs else { return }
            let prefix = path.string + "/"
            for name in state.durableNames.keys where isIn(prefix, name) { state.durableNames[name] = nil }
            for (name, id) in state.names where isIn(prefix, name) { state.durableNames[name] = id }
        }
    }

    package func list(_ path: FilePath) throws(DiskError) -> [String] {
        try look("list", path) { state in
            guard state.folders.contains(path.string) else { return nil }
            let prefix = path.string + "/"
            let names = state.names.keys.filter { isIn(prefix, $0) }.map { String($0.dropFirst(prefix.count)) }
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    package func exists(_ path: FilePath) throws(DiskError) -> Bool {
        try look("look at", path) { state in state.names[path.string] != nil || state.folders.contains(path.string) }
    }

    package func isLink(_ path: FilePath) throws(DiskError) -> Bool { false }

    package func create(_ path: FilePath) throws(DiskError) -> any File {
        guard try !exists(path) else { throw DiskError("create", path, .fileExists) }
        try change("create", path) { state in
            let id = state.nodes.count
            state.nodes[id] = Node()
            state.names[path.string] = id
        }
        return try open(path)
    }

    package func open(_ path: FilePath) throws(DiskError) -> any File {
        if let failure = state.withLock({ $0.openFailure }) { throw DiskError("open", path, failure) }
        let file = SimulatedFile(files: self, path: path, id: try look("open", path) { $0.names[path.string] })
        afterOpen(path)
        return file
    }

    package func rename(_ path: FilePath, to target: FilePath) throws(DiskError) {
        let id = try look("rename", path) { $0.names[path.string] }
        try change("rename", path) { state in
            state.names[path.string] = nil
            state.names[target.string] = id
        }
    }

    package func remove(_ path: FilePath) throws(DiskError) {
        _ = try look("remove", path) { $0.names[path.string] }
        try change("remove", path) { state in state.names[path.string] = nil }
    }

    package func removeInPieces(_ path: FilePath) throws(DiskError) {
        let id = try look("remove", path) { $0.names[path.string] }
        try change("shorten", path) { state in
            let size = state.nodes[id]?.bytes.count ?? 0
            state.nodes[id]?.bytes.removeLast(size - size * 2 / 5)
        }
        try remove(path)
    }

    // MARK: Faults

    private func look<Value>(_ operation: String, _ path: FilePath, _ body: (borrowing State) -> Value?) throws(DiskError)
        -> Value
    {
        let found: Result<Value, DiskError> = state.withLock { state in
            guard !state.isStopped else { return .failure(DiskError(operation, path, .ioError)) }
            return body(state).map { .success($0) } ?? .failure(DiskError(operation, path, .noSuchFileOrDirectory))
        }
        return try found.get()
    }

    private func change(_ operation: String, _ path: FilePath, _ body: (inout State) -> Void) throws(DiskError) {
        try change(operation, path, body, whenFailing: { _ in })
    }

    fileprivate func change(
        _ operation: String, _ path: FilePath, _ body: (inout State) -> Void, whenFailing: (inout State) -> Void
    ) throws(DiskError) {
        let failure: Errno? = state.withLock { state in
            guard !state.isStopped else { return .ioError }
            defer { state.operations += 1 }
            switch state.faults[state.operations] {
            case .stop:
                state.isStopped = true
                whenFailing(&state)
                return .ioError
            case .fail(let errno):
                whenFailing(&state)
                return errno
            case nil:
                body(&state)
                return nil
            }
        }
        if let failure { throw DiskError(operation, path, failure) }
    }

    private final class SimulatedFile: File {
        let files: SimulatedFiles
        let path: FilePath
        let id: Int

        init(files: SimulatedFiles, path: FilePath, id: Int) {
            self.files = files
            self.path = path
            self.id = id
        }

        func write(_ pieces: [Data], at offset: Int64) throws(DiskError) {
            var written: [UInt8] = []
            for piece in pieces { piece.withUnsafeBytes { written.append(contentsOf: $0) } }
            func put(_ bytes: ArraySlice<UInt8>, _ state: inout State) {
                let end = Int(offset) + bytes.count
                let size = state.nodes[id]?.bytes.count ?? 0
                if size < end { state.nodes[id]?.bytes += [UInt8](repeating: 0, count: end - size) }
                state.nodes[id]?.bytes.replaceSubrange(Int(offset)..<end, with: bytes)
            }
            try files.change("write", path) {
                put(written[...], &$0)
            } whenFailing: {
                put(written.prefix(written.count / 2), &$0)
            }
        }

        func read(_ count: Int, at offset: Int64) throws(DiskError) -> [UInt8] {
            let sectors = Int(offset) / 512...(Int(offset) + max(count, 1) - 1) / 512
            let bytes: [UInt8]? = try files.look("read", path) { state in
                guard let node = state.nodes[id] else { return nil }
                let isSpoiled = node.spoiled.contains { sectors.contains($0) }
                let start = min(Int(offset), node.bytes.count)
                return .some(isSpoiled ? nil : Array(node.bytes[start..<min(start + count, node.bytes.count)]))
            }
            guard let bytes else { throw DiskError("read", path, .ioError) }
            return bytes
        }

        func size() throws(DiskError) -> Int64 {
            try files.look("look at", path) { state in state.nodes[id].map { Int64($0.bytes.count) } }
        }

        func sync() throws(DiskError) {
            files.beforeSync()
            try files.change("sync", path) { state in
                if files.syncs { state.nodes[id]?.sync() }
            } whenFailing: { _ in
            }
        }
    }
}
