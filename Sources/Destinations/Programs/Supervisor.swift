import CProcess
import Glibc
import Model

/// Stands between the daemon and a program that takes a content's end for its being whole.
///
/// What comes on standard input are frames: four bytes of length, the most significant first, and that many bytes, which go to the program;
/// a frame of no bytes is the end mark. The program's input is closed only after it. When standard input ends while the program runs, the
/// daemon is gone, or gives the content up: then the program is ended first, and never sees an end. It also dies with this process.
/// Of its standard error the last `Limits.programErrorBytes` are passed on when it has ended. A variable
/// `FILE_NAME`, in hexadecimal digits, becomes a file in memory, whose path the program finds in `NAME` and where an argument says `@NAME`.
package struct Supervisor {
    private let program: pid_t
    private let ended: Int32
    private let errors: Int32
    /// The program's standard input; nil: it is closed.
    private var input: Int32?
    /// Bytes of the frame that are still to come.
    private var pending = 0
    private var header: [UInt8] = []
    /// Whether standard input had something when it was last asked.
    private var isReadable = false
    private var isGivenUp = false
    private var tail: [UInt8] = []

    /// Runs a program to its end and ends this process as it ended.
    ///
    /// - Parameters:
    ///   - arguments: the program's path, and what it is told.
    ///   - environment: all that it is to have.
    /// - Precondition: this process has one thread.
    package static func run(_ arguments: [String], environment: [String: String]) -> Never {
        signal(SIGPIPE, SIG_IGN)
        // Where it is ended by a signal that it can see, it ends the program by its own end.
        guard var supervisor = Supervisor(arguments, environment) else {
            fail("a pipe or process could not be made: \(String(cString: strerror(errno)))")
        }
        exit(supervisor.watch())
    }

    private static func fail(_ message: String) -> Never {
        write(STDERR_FILENO, message, message.utf8.count)
        exit(127)
    }

    private init?(_ arguments: [String], _ environment: [String: String]) {
        var (content, errors) = ([Int32](repeating: -1, count: 2), [Int32](repeating: -1, count: 2))
        guard private_pipe(&content) == 0, private_pipe(&errors) == 0 else { return nil }
        widen_pipe(content[0], Int32(Limits.programPipeBytes))
        program = Self.spawn(arguments, environment, input: content[0], errors: errors[1])
        guard program > 0 else { return nil }
        close(content[0])
        close(errors[1])
        ended = process_descriptor(program)
        self.errors = errors[0]
        input = content[1]
        for descriptor in [content[1], errors[0], STDIN_FILENO] {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
        }
    }

    private static func spawn(_ arguments: [String], _ environment: [String: String], input: Int32, errors: Int32) -> pid_t {
        var variables: [String: String] = [:]
        for (name, value) in environment {
            guard name.hasPrefix("FILE_") else {
                variables[name] = value
                continue
            }
            let content = bytes(hexadecimal: value)
            variables[String(name.dropFirst(5))] = "/proc/self/fd/\(memory_file(content, content.count))"
        }
        let words = arguments.map { $0.hasPrefix("@") ? variables[String($0.dropFirst())] ?? $0 : $0 }
        return spawn_bound(
            words[0], words.map { strdup($0) } + [nil], variables.map { strdup("\($0.key)=\($0.value)") } + [nil], input, errors)
    }

    /// - Returns: the code to end with: the program's, or 128 and the number of the signal that ended it.
    private mutating func watch() -> Int32 {
        var limit: Int32 = -1
        while true {
            var polled = [
                pollfd(fd: ended, events: Int16(POLLIN), revents: 0), pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isGivenUp ? -1 : STDIN_FILENO, events: wantsMore ? Int16(POLLIN) : 0, revents: 0),
                pollfd(fd: isReadable ? input ?? -1 : -1, events: Int16(POLLOUT), revents: 0),
            ]
            let count = poll(&polled, 4, limit)
            if count == 0 { kill(program, SIGKILL) }
            if polled[1].revents != 0 { readErrors() }
            if polled[0].revents != 0 { return end() }
            if polled[2].revents & Int16(POLLHUP | POLLERR) != 0 {
                // It gets the time to take back what it began; then it goes.
                isGivenUp = true
                kill(program, SIGTERM)
                limit = Int32(Limits.programEndSeconds * 1000)
            } else if polled[2].revents != 0 {
                pending == 0 ? readHeader() : (isReadable = true)
            }
            if polled[3].revents != 0 { passOn() }
        }
    }

    private var wantsMore: Bool { input != nil && !isReadable }

    private mutating func readHeader() {
        var bytes = [UInt8](repeating: 0, count: 4 - header.count)
        let count = read(STDIN_FILENO, &bytes, bytes.count)
        guard count > 0 else { return }
        header += bytes.prefix(count)
        guard header.count == 4 else { return }
        pending = header.reduce(0) { $0 << 8 | Int($1) }
        header = []
        if pending == 0 { closeInput() }
    }

    private mutating func passOn() {
        guard let input else { return }
        let count = move_bytes(STDIN_FILENO, input, pending)
        if count > 0 { pending -= count }
        // It does not want more: how it ends tells why.
        if count < 0, errno != EAGAIN { return closeInput() }
        if count <= 0 || pending == 0 { isReadable = false }
    }

    private mutating func closeInput() {
        if let input { close(input) }
        input = nil
        isReadable = false
    }

    /// - Returns: whether there was something.
    @discardableResult
    private mutating func readErrors() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(errors, &bytes, bytes.count)
        guard count > 0 else { return false }
        tail = Array((tail + bytes.prefix(count)).suffix(Limits.programErrorBytes))
        return true
    }

    private mutating func end() -> Int32 {
        var status: Int32 = 0
        while waitpid(program, &status, 0) < 0, errno == EINTR {}
        // What it wrote last, unless somebody it started goes on for ever.
        for _ in 0..<64 where !readErrors() { break }
        var rest = tail[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
    }
}
