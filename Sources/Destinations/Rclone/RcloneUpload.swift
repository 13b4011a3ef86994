import Crypto
import Model

/// A file on its way through rclone.
final class RcloneUpload: Upload {
    private let remote: RcloneRemote
    private let name: String
    private let folder: String
    private let running: RunningProgram
    private(set) var size: Int64 = 0
    private var md5 = Insecure.MD5()
    private var sha1 = Insecure.SHA1()

    init(_ remote: RcloneRemote, name: String, folder: String) throws(DestinationError) {
        self.remote = remote
        self.name = name
        self.folder = folder
        running = try remote.upload(to: remote.writingPlace(folder, name))
    }

    func write(_ bytes: [UInt8]) throws(DestinationError) {
        do throws(DestinationError) {
            try running.write(bytes, remote.waiting)
        } catch {
            throw explained(error)
        }
        size += Int64(bytes.count)
        // Larger files go up in parts, and the store has no checksum of the whole.
        guard size <= Int64(Limits.uploadWholeBytes) else { return }
        switch remote.checksum {
        case .md5: md5.update(data: bytes)
        case .sha1: sha1.update(data: bytes)
        case nil: break
        }
    }

    func publish() throws(DestinationError) {
        let target = remote.place(folder, name)
        let written = remote.writingPlace(folder, name)
        do throws(DestinationError) {
            try remote.finish(running)
            do throws(DestinationError) {
                try check(written)
            } catch  where error.reason == .damaged {
                try? remote.remove(name, in: folder)
                throw error
            }
            if remote.isRenaming { try remote.rename(written, to: target) }
        } catch {
            running.stop()
            throw error
        }
    }

    func discard() {
        running.stop()
        // It takes back what it began; of what is renamed the name tells that it is unfinished.
        if remote.isRenaming { try? remote.remove(name, in: folder) }
    }

    /// Compares what the store has with what it was given.
    private func check(_ path: String) throws(DestinationError) {
        guard let file = try remote.stat(path) else {
            throw DestinationError(.damaged, "\(path) is not there after it was written")
        }
        guard file.size == size else {
            throw DestinationError(.damaged, "\(path) has \(file.size) bytes of the \(size) that were written")
        }
        guard size <= Int64(Limits.uploadWholeBytes), let checksum = remote.checksum, let stored = file.hashes?[checksum.rawValue]
        else {
            return
        }
        let given = checksum == .md5 ? hexadecimal(md5.finalize()) : hexadecimal(sha1.finalize())
        guard stored.lowercased() == given else {
            throw DestinationError(.damaged, "the \(checksum.rawValue) of \(path) is \(stored), and was \(given)")
        }
    }

    private func explained(_ error: DestinationError) -> DestinationError {
        guard let ended = error.ended, ended.code != 127 else { return error }
        return remote.failure(ended)
    }
}
