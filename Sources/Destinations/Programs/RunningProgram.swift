import CProcess
import Dispatch
import Glibc
import Model
import Synchronization
import SystemPackage

/// A program under way: content goes in, an end is marked, and it is waited for. Its methods block, and are called by one thread.
package final class RunningProgram: Sendable {
    let program: Program
    let output: FileDescriptor?
    /// The supervisor's standard input.
    let reading: FileDescriptor
    private let writing: Mutex<FileDescriptor?>
    private let outcome = Mutex<Program.Ended??>(nil)
    private let end = DispatchSemaphore(value: 0)

    init(_ program: Program, output: FileDescriptor?) throws(Errno) {
        self.program = program
        self.output = output
        let ends = try FileDescriptor.privatePipe()
        let descriptor = ends.writeEnd.rawValue
        widen_pipe(descriptor, Int32(Limits.programPipeBytes))
        _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        reading = ends.readEnd
        writing = Mutex(ends.writeEnd)
    }

    deinit { stop() }

    func ended(_ ended: Program.Ended?) {
        outcome.withLock { $0 = .some(ended) }
        end.signal()
    }

    /// Gives the program more content.
    ///
    /// - Throws: `timeout` when it takes none for too long, `stopped`, or why it has ended.
    package func write(_ bytes: [UInt8], _ patience: Patience) throws(DestinationError) {
        guard !bytes.isEmpty else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let frame = rest.prefix(Limits.programFrameBytes)
            try send(Self.header(frame.count), patience)
            try send(frame, patience)
            rest = rest.dropFirst(frame.count)
        }
    }

    /// Says that the content is whole, and waits for the program's end.
    ///
    /// - Throws: `timeout` when it takes too long, `stopped`, `program` when it could not be run.
    package func finish(_ patience: Patience) throws(DestinationError) -> Program.Ended {
        try send(Self.header(0), patience)
        return try wait(patience)
    }

    /// Ends the program, which sees no end of its content. It is gone soon after.
    package func stop() {
        writing.withLock { descriptor in
            try? descriptor?.close()
            descriptor = nil
        }
    }

    private static func header(_ count: Int) -> ArraySlice<UInt8> {
        [
            UInt8(truncatingIfNeeded: count >> 24), UInt8(truncatingIfNeeded: count >> 16), UInt8(truncatingIfNeeded: count >> 8),
            UInt8(truncatingIfNeeded: count),
        ]
    }

    private func send(_ bytes: ArraySlice<UInt8>, _ patience: Patience) throws(DestinationError) {
        var rest = bytes
        var deadline = ContinuousClock.now + patience.stall
        while !rest.isEmpty {
            guard let descriptor = writing.withLock({ $0 })?.rawValue else { throw DestinationError(.stopped, "it was given up") }
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
                deadline = .now + patience.stall
                continue
            }
            guard errno == EAGAIN || errno == EINTR else {
                // It has ended before it had all of it.
                let ended = try wait(patience)
                throw DestinationError(.program, "\(program.path) ended early, with code \(ended.code)", ended: ended)
            }
            try check(patience, deadline)
            var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&polled, 1, 500)
        }
    }

    private func wait(_ patience: Patience) throws(DestinationError) -> Program.Ended {
        let deadline = ContinuousClock.now + patience.stall
        while end.wait(timeout: .now() + .milliseconds(500)) == .timedOut { try check(patience, deadline) }
        stop()
        guard let ended = outcome.withLock({ $0 }) ?? nil else {
            throw DestinationError(.program, "\(program.path) could not be run, or wrote without end")
        }
        guard ended.code != 127 else { throw DestinationError(.program, ended.errors, ended: ended) }
        return ended
    }

    private func check(_ patience: Patience, _ deadline: ContinuousClock.Instant) throws(DestinationError) {
        if patience.isStopped() {
            stop()
            throw DestinationError(.stopped, "it was stopped")
        }
        guard ContinuousClock.now < deadline else {
            stop()
            throw DestinationError(.timeout, "nothing went on for \(patience.stall)")
        }
    }
}

extension FileDescriptor {
    /// A pipe that nobody inherits who is started at the same time.
    static func privatePipe() throws(Errno) -> (readEnd: FileDescriptor, writeEnd: FileDescriptor) {
        var ends = [Int32](repeating: -1, count: 2)
        guard private_pipe(&ends) == 0 else { throw Errno(rawValue: errno) }
        return (FileDescriptor(rawValue: ends[0]), FileDescriptor(rawValue: ends[1]))
    }
}
