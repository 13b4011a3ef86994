import Crypto
import Dispatch
import Synchronization
import SystemPackage

/// A file that GnuPG encrypts on its way to somewhere. Neither the plain nor the encrypted file is on this machine's disks.
package final class EncryptedUpload: Upload {
    private let running: RunningProgram
    private let patience: Patience
    private let drain: Drain

    init(
        _ upload: any Upload, _ program: Program, _ runner: ProgramRunner, _ patience: Patience
    ) throws(DestinationError) {
        self.patience = patience
        let ends: (readEnd: FileDescriptor, writeEnd: FileDescriptor)
        do { ends = try FileDescriptor.privatePipe() } catch {
            throw DestinationError(.program, "no pipe from GnuPG: \(error)")
        }
        running = try runner.start(program, output: ends.writeEnd)
        drain = Drain(upload, from: ends.readEnd)
    }

    /// Bytes of the encrypted file so far.
    package var size: Int64 { drain.state.withLock { $0.size } }

    /// SHA-256 of the encrypted file, in hexadecimal digits, once it is published.
    package var sha256: String { drain.state.withLock { hexadecimal($0.hash.finalize()) } }

    package func write(_ bytes: [UInt8]) throws(DestinationError) {
        do throws(DestinationError) {
            try running.write(bytes, patience)
        } catch {
            throw cause(error)
        }
    }

    package func publish() throws(DestinationError) {
        let ended: Program.Ended
        do throws(DestinationError) { ended = try running.finish(patience) } catch {
            let cause = cause(error)
            drain.upload.discard()
            throw cause
        }
        let failure = drain.end()
        guard ended.code == 0, failure == nil else {
            drain.upload.discard()
            throw failure ?? DestinationError(.program, "GnuPG: \(ended.errors.split(whereSeparator: \.isNewline).last ?? "")")
        }
        try drain.upload.publish()
    }

    package func discard() {
        running.stop()
        _ = drain.end()
        drain.upload.discard()
    }

    /// Where the destination failed, GnuPG's end is what came of it.
    private func cause(_ error: DestinationError) -> DestinationError {
        running.stop()
        return drain.end() ?? error
    }
}

/// Passes on what GnuPG writes, on a thread of its own, until it has ended.
private final class Drain: @unchecked Sendable {
    struct State {
        var hash = SHA256()
        var size: Int64 = 0
        var failure: DestinationError?
    }

    /// Used by the thread until it has ended, then by whoever waited for that.
    let upload: any Upload
    let state = Mutex(State())
    private let descriptor: FileDescriptor
    private let group = DispatchGroup()

    init(_ upload: any Upload, from descriptor: FileDescriptor) {
        self.upload = upload
        self.descriptor = descriptor
        DispatchQueue(label: "encrypted").async(group: group) { self.run() }
    }

    /// Waits until all is passed on.
    /// - Returns: why it could not be.
    func end() -> DestinationError? {
        group.wait()
        return state.withLock { $0.failure }
    }

    private func run() {
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer {
            piece.deallocate()
            // From here on GnuPG, if it goes on, writes to nobody, and ends.
            try? descriptor.close()
        }
        do throws(DestinationError) {
            while let count = try? descriptor.read(into: piece), count > 0 {
                let bytes = Array(piece[..<count])
                try upload.write(bytes)
                state.withLock {
                    $0.hash.update(data: bytes)
                    $0.size += Int64(count)
                }
            }
        } catch {
            state.withLock { $0.failure = error }
        }
    }
}
