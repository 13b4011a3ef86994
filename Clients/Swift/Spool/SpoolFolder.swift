import Disk
import FoundationEssentials
import Glibc
import Messages
import Model
import SealedBox
import Synchronization
import SystemPackage

/// A spool on disk. Blocks.
///
/// - `key`: a packed `SpoolKey`, as the daemon told it last;
/// - `lock`: held by the process that hands over;
/// - `entries/TIME-RANDOM-BYTES.entry`: what waits; TIME in microseconds since 1970, 16 digits, so that the names' order is theirs;
/// - `refused/…`: what the daemon will not take as it is.
///
/// An entry is `MXSPOOL1`, the public key it is sealed to (32 bytes), and a sealed box of a packed `SpooledMessage`. It is written beside
/// its name, synced, and given its name: it is never there in part. Its size is in its name, so that a look at the folder counts it.
final class SpoolFolder: Sendable {
    static let magic = Array("MXSPOOL1".utf8)
    static let headerBytes = magic.count + SealedBox.keyBytes

    /// An entry by its name.
    struct Name: Hashable, Sendable {
        let text: String
        let spooledAt: Instant
        let bytes: Int64

        /// Nil: it is no entry's.
        init?(_ text: String) {
            guard text.hasSuffix(".entry") else { return nil }
            let parts = text.dropLast(".entry".count).split(separator: "-", omittingEmptySubsequences: false)
            guard parts.count == 3, parts[0].count == 16, let time = Int64(parts[0]), let bytes = Int64(parts[2]), bytes >= 0
            else { return nil }
            self.text = text
            spooledAt = Instant(milliseconds: time / 1000)
            self.bytes = bytes
        }

        init(microseconds: Int64, bytes: Int) {
            let time = String(microseconds)
            let random = String(UInt32.random(in: 0 ... .max), radix: 16)
            text = String(repeating: "0", count: max(0, 16 - time.count)) + time + "-\(random)-\(bytes).entry"
            spooledAt = Instant(milliseconds: microseconds / 1000)
            self.bytes = Int64(bytes)
        }
    }

    private struct Usage {
        var entries = 0
        var bytes: Int64 = 0
        /// When it is looked at again, by the boot clock.
        var looksAgainAt = Int64.min
        var lastMicroseconds: Int64 = 0
    }

    private let spool: Spool
    private let files: any Files
    private let usage = Mutex(Usage())

    private var entries: FilePath { spool.folder.appending("entries") }
    private var refused: FilePath { spool.folder.appending("refused") }
    private var keyFile: FilePath { spool.folder.appending("key") }

    /// - Throws: `failedPrecondition` when the folder cannot be used.
    init(_ spool: Spool, files: any Files = PosixFiles()) throws(Status) {
        self.spool = spool
        self.files = files
        try SpoolFolder.requirePrivate(spool.folder)
        do throws(DiskError) {
            try files.createFolder(entries)
            try files.createFolder(refused)
        } catch {
            throw Status(
                .failedPrecondition, "the spool \(spool.folder) cannot be used: \(error)",
                hint: "name a folder that this user may write to")
        }
    }

    /// What others may write to they may fill, and empty.
    private static func requirePrivate(_ folder: FilePath) throws(Status) {
        var status = stat()
        guard stat(folder.string, &status) == 0 else { return }
        guard status.st_uid == geteuid(), status.st_mode & 0o022 == 0 else {
            throw Status(
                .failedPrecondition, "the spool \(folder) is not this user's alone",
                hint: "name a folder of this user's that nobody else may write to: chmod 700 \(folder)")
        }
    }

    /// The key that was told last; nil: none was, or it cannot be read.
    func key() -> SpoolKey? {
        guard let packed = try? PrivateFile.read(keyFile, limit: 4096) else { return nil }
        return try? SpoolKey(packed: packed)
    }

    /// When it returns, the key is durable.
    func keep(_ key: SpoolKey) throws(DiskError) {
        try PrivateFile.replace(keyFile, content: key.packed)
    }

    /// Puts a sealed box in. When it returns, it is durable.
    /// - Throws: `resourceExhausted` when the spool or its disk is full, `unavailable` when it cannot be written.
    func put(_ box: [UInt8], sealedTo publicKey: [UInt8], at instant: Instant) throws(Status) {
        let content = SpoolFolder.magic + publicKey + box
        do throws(DiskError) {
            let name = try take(content.count, at: instant)
            let unfinished = entries.appending(name.text + ".new")
            do throws(DiskError) {
                let file = try files.create(unfinished)
                try file.write([Data(content)], at: 0)
                try file.sync()
                try files.rename(unfinished, to: entries.appending(name.text))
                try files.syncFolder(entries)
            } catch {
                giveBack(name)
                try? files.remove(unfinished)
                throw error
            }
        } catch {
            throw Status(
                error.isFull ? .resourceExhausted : .unavailable, "the spool \(spool.folder) takes nothing: \(error)",
                hint: "make room, or hand over what waits: msgexport spool send")
        }
    }

    private func take(_ bytes: Int, at instant: Instant) throws(DiskError) -> Name {
        let start = BootClock.milliseconds
        if usage.withLock({ start >= $0.looksAgainAt }) {
            let content = try content()
            let end = BootClock.milliseconds
            usage.withLock { usage in
                (usage.entries, usage.bytes) = (content.entries + content.refused, content.bytes + content.refusedBytes)
                usage.looksAgainAt = end + SpoolFolder.pause(after: end - start)
            }
        }
        let name = usage.withLock { usage -> Name? in
            guard usage.entries < spool.entries, usage.bytes + Int64(bytes) <= spool.bytes else { return nil }
            usage.entries += 1
            usage.bytes += Int64(bytes)
            usage.lastMicroseconds = max(usage.lastMicroseconds + 1, instant.milliseconds * 1000)
            return Name(microseconds: usage.lastMicroseconds, bytes: bytes)
        }
        guard let name else { throw DiskError("add to", spool.folder, .noSpace) }
        return name
    }

    /// How long nobody looks after a look, in milliseconds, as sends wait for it: the more there is, the longer a look takes.
    static func pause(after look: Int64) -> Int64 {
        max(Int64(Limits.spoolLookMilliseconds), look * Int64(Limits.spoolLookShare))
    }

    private func giveBack(_ name: Name) {
        usage.withLock { usage in
            usage.entries -= 1
            usage.bytes -= name.bytes
        }
    }

    /// What is there.
    func content() throws(DiskError) -> Spool.Content {
        var content = Spool.Content()
        for name in try waiting() {
            content.entries += 1
            content.bytes += name.bytes
            content.oldest = content.oldest ?? name.spooledAt
        }
        for name in try setAside() {
            content.refused += 1
            content.refusedBytes += name.bytes
        }
        return content
    }

    /// What waits, the oldest first.
    func waiting() throws(DiskError) -> [Name] {
        try files.list(entries).compactMap(Name.init)
    }

    /// What the daemon refused.
    func setAside() throws(DiskError) -> [Name] {
        try files.list(refused).compactMap(Name.init)
    }

    /// The right to hand over, for as long as the result lives; nil: another process has it.
    func claim() throws(DiskError) -> FileLock? {
        try FileLock.claim(spool.folder.appending("lock"))
    }

    /// An entry: the key it is sealed to, and the box.
    /// - Throws: `dataLoss` when it is no entry; nil: another process has taken it.
    func read(_ name: Name) throws(Status) -> (publicKey: [UInt8], box: [UInt8])? {
        do throws(DiskError) {
            let file = try files.open(entries.appending(name.text))
            let size = try file.size()
            let content = try size <= Int64(SpoolFolder.headerBytes + Limits.sealedBytes) ? file.read(Int(size), at: 0) : []
            guard content.count == name.bytes, content.starts(with: SpoolFolder.magic), content.count > SpoolFolder.headerBytes
            else { throw DiskError("read", entries.appending(name.text), .illegalByteSequence) }
            return (
                Array(content[SpoolFolder.magic.count..<SpoolFolder.headerBytes]), Array(content[SpoolFolder.headerBytes...])
            )
        } catch {
            switch error.errno {
            case .noSuchFileOrDirectory: return nil
            case .illegalByteSequence: throw Status(.dataLoss, "\(name.text) is no entry of a spool, or is damaged")
            default: throw Status(.unavailable, "\(error)")
            }
        }
    }

    /// Forgets an entry that is handed over. One that comes back with the power is a duplicate.
    func remove(_ name: Name) throws(DiskError) {
        try files.remove(entries.appending(name.text))
        giveBack(name)
    }

    /// Sets an entry aside that is refused.
    func setAside(_ name: Name) throws(DiskError) {
        try files.rename(entries.appending(name.text), to: refused.appending(name.text))
        try files.syncFolder(refused)
    }

    /// Puts what was refused among what waits again.
    func takeUpRefused() throws(DiskError) {
        for name in try setAside() { try files.rename(refused.appending(name.text), to: entries.appending(name.text)) }
        try files.syncFolder(entries)
    }

    /// Destroys what was refused; returns how many there were.
    func discardRefused() throws(DiskError) -> Int {
        let names = try setAside()
        for name in names { try files.remove(refused.appending(name.text)) }
        try files.syncFolder(refused)
        names.forEach(giveBack)
        return names.count
    }

    /// What waits, the oldest first, for who hands over: removes what a process that ended has left unfinished. What is younger than
    /// `instant` may be under way.
    func waiting(unfinishedSince instant: Instant) throws(DiskError) -> [Name] {
        var names: [Name] = []
        for text in try files.list(entries) {
            if let name = Name(text) { names.append(name) }
            guard text.hasSuffix(".new"), let name = Name(String(text.dropLast(".new".count))), name.spooledAt < instant
            else { continue }
            try files.remove(entries.appending(text))
        }
        return names
    }
}
