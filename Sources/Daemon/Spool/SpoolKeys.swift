import Dataset
import Disk
import Formats
import Messages
import Model
import SealedBox
import Synchronization
import SystemPackage

/// The keys that senders' spools are sealed to: a new one each day, destroyed when nothing sealed to it can be retained any more.
///
/// Each is a file of its own beside the segments' keys, sealed under the master key: id of the master key, then the box of what
/// `Key.content` is. Like them, they are never part of a backup.
final class SpoolKeys: Sendable {
    struct Key: Sendable {
        let pair: SealedBox.KeyPair
        let madeAt: Instant

        var renewAt: Instant { Instant(milliseconds: madeAt.milliseconds + Int64(Limits.spoolKeyHours) * 3_600_000) }
        var keptUntil: Instant { Instant(milliseconds: madeAt.milliseconds + Int64(Limits.spoolKeyDays) * Day.milliseconds) }

        fileprivate var content: [UInt8] {
            withUnsafeBytes(of: madeAt.milliseconds.littleEndian) { Array($0) } + pair.secretKey
        }

        fileprivate init(_ pair: SealedBox.KeyPair, madeAt: Instant) {
            self.pair = pair
            self.madeAt = madeAt
        }

        fileprivate init?(content: [UInt8]) {
            guard content.count == 8 + SealedBox.keyBytes,
                let pair = SealedBox.KeyPair(secretKey: Array(content.dropFirst(8)))
            else { return nil }
            let time = content.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            self.init(pair, madeAt: Instant(milliseconds: Int64(bitPattern: time)))
        }
    }

    private static let purpose = "message-export spool key"
    private static let fileBytes = 8 + 12 + 8 + 32 + 16

    private let folder: FilePath
    private let master: MasterKey
    private let files = PosixFiles()
    private let time: any TimeSource
    private let disk = DiskQueue("spool-keys")
    /// The oldest first.
    private let keys: Mutex<[Key]>

    /// Reads what there is. One that is damaged is left alone and told: what is sealed to it is refused.
    /// - Throws: `failedPrecondition` when one was made under another master key.
    init(
        _ folder: FilePath, master: MasterKey, time: any TimeSource, damaged: (FilePath) -> Void
    ) throws(Status) {
        self.folder = folder
        self.master = master
        self.time = time
        var known: [Key] = []
        do throws(DiskError) { try files.createFolder(folder) } catch { throw Status(error) }
        for path in try SpoolKeys.paths(folder) {
            if let key = try SpoolKeys.read(path, master) { known.append(key) } else { damaged(path) }
        }
        keys = Mutex(known.sorted { $0.madeAt < $1.madeAt })
    }

    /// The newest; made when that one has served its day. When it returns, it is durable.
    func newest() async throws(Status) -> Key {
        do throws(DiskError) {
            return try await disk.run { [self] () throws(DiskError) in
                if let key = keys.withLock({ $0.last }), key.madeAt <= time.now, time.now < key.renewAt { return key }
                let key = Key(SealedBox.KeyPair.random(), madeAt: time.now)
                let content = master.id + master.seal(key.content, for: SpoolKeys.purpose)
                try PrivateFile.create(path(of: key), content: content)
                keys.withLock { $0.append(key) }
                return key
            }
        } catch {
            throw Status(error)
        }
    }

    /// The pair of a public key; nil: it is none, or its time is over.
    func pair(of publicKey: [UInt8]) -> SealedBox.KeyPair? {
        let now = time.now
        return keys.withLock { keys in keys.first { $0.pair.publicKey == publicKey && now < $0.keptUntil }?.pair }
    }

    /// Destroys those whose time is over; returns how many.
    func destroyOld() async throws(Status) -> Int {
        do throws(DiskError) {
            return try await disk.run { [self] () throws(DiskError) in
                let now = time.now
                let old = keys.withLock { keys in keys.filter { $0.keptUntil <= now } }
                guard !old.isEmpty else { return 0 }
                for key in old { try files.remove(path(of: key)) }
                try files.syncFolder(folder)
                keys.withLock { keys in keys.removeAll { $0.keptUntil <= now } }
                return old.count
            }
        } catch {
            throw Status(error)
        }
    }

    /// Seals all of a folder by another master key; returns those that could not be opened.
    static func rewrap(
        _ folder: FilePath, from old: MasterKey, to new: MasterKey
    ) throws(Status) -> (rewrapped: Int, left: [String]) {
        var outcome = (rewrapped: 0, left: [String]())
        for path in try paths(folder) {
            if (try? read(path, new)) != nil { continue }
            guard let key = try? read(path, old) else {
                outcome.left.append("\(path)")
                continue
            }
            do throws(DiskError) {
                try PrivateFile.replace(path, content: new.id + new.seal(key.content, for: purpose))
            } catch {
                throw Status(error)
            }
            outcome.rewrapped += 1
        }
        return outcome
    }

    private func path(of key: Key) -> FilePath {
        folder.appending("\(hexadecimal(Array(key.pair.publicKey.prefix(16)))).key")
    }

    private static func paths(_ folder: FilePath) throws(Status) -> [FilePath] {
        do throws(DiskError) {
            let files = PosixFiles()
            guard try files.exists(folder) else { return [] }
            return try files.list(folder).filter { $0.hasSuffix(".key") }.map { folder.appending($0) }
        } catch {
            throw Status(error)
        }
    }

    /// A key; nil: its file is damaged.
    private static func read(_ path: FilePath, _ master: MasterKey) throws(Status) -> Key? {
        guard let sealed = try? PrivateFile.read(path, limit: fileBytes), sealed.count == fileBytes else { return nil }
        guard sealed.starts(with: master.id) else {
            throw Status(
                .failedPrecondition, "the spool key \(path) was made under another master key",
                hint: "name the right key file with --master-key")
        }
        return master.open(Array(sealed.dropFirst(master.id.count)), for: purpose).flatMap { Key(content: $0) }
    }
}
