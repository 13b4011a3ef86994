import Glibc

/// Standard input, output and error of this process.
package enum StandardStreams {
    /// Puts something that cannot be used in the place of each that is closed: else the first file opened would take it, and what is
    /// logged would end up there. To be called before anything is opened.
    package static func occupyClosed() {
        for (stream, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
        where fcntl(stream, F_GETFD) < 0 {
            // The lowest free descriptor is that of the stream.
            _ = open("/dev/null", mode)
        }
    }
}
