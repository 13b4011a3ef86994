import Glibc
import Model
import SystemPackage

/// Something to ingest: a file, standard input, or a text from the command line.
enum InputFile: Sendable {
    case file(FilePath)
    case standardInput
    case text(String)
    /// Something that is not there, that cannot be looked into, or a folder without files.
    case unreadable(FilePath, Status)

    /// What people know it by.
    var name: String {
        switch self {
        case .file(let path), .unreadable(let path, _): path.string
        case .standardInput: "standard input"
        case .text: "text"
        }
    }

    /// The inputs that arguments name: a folder stands for every regular file in it and its subfolders, by name.
    /// What there is nothing of is among them, as `unreadable`, and holds up none of the others.
    static func all(_ arguments: [String]) -> [InputFile] {
        arguments.flatMap { argument -> [InputFile] in
            if argument == "-" { return [.standardInput] }
            let path = FilePath(argument)
            var status = stat()
            guard stat(argument, &status) == 0 else {
                return [
                    .unreadable(
                        path, errno == ENOENT ? Status(.notFound, "there is no such file or folder") : failure("look at it"))
                ]
            }
            guard status.st_mode & S_IFMT == S_IFDIR else { return [.file(path)] }
            let found = files(in: path)
            return found.isEmpty ? [.unreadable(path, Status(.notFound, "the folder holds no regular file"))] : found
        }
    }

    /// Names are bytes to the kernel, and stay bytes here. Links are not followed: what they point to may be anywhere, and may lead
    /// back.
    private static func files(in folder: FilePath) -> [InputFile] {
        guard let stream = folder.withPlatformString({ opendir($0) }) else { return [.unreadable(folder, failure("list"))] }
        defer { closedir(stream) }
        var names: [FilePath] = []
        var incomplete: [InputFile] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                if errno != 0 { incomplete = [.unreadable(folder, failure("list all of it"))] }
                break
            }
            withUnsafePointer(to: &entry.pointee.d_name) { field in
                let name = FilePath(platformString: UnsafeRawPointer(field).assumingMemoryBound(to: CInterop.PlatformChar.self))
                if name != ".", name != ".." { names.append(name) }
            }
        }
        return incomplete
            + names.sorted { $0.string < $1.string }.flatMap { name -> [InputFile] in
                let path = folder.pushing(name)
                var status = stat()
                guard path.withPlatformString({ lstat($0, &status) }) == 0 else {
                    return [.unreadable(path, failure("look at it"))]
                }
                switch status.st_mode & S_IFMT {
                case S_IFREG: return [.file(path)]
                case S_IFDIR: return files(in: path)
                default: return []
                }
            }
    }

    /// The whole content.
    /// - Throws: `invalidArgument` when it is over `limit` bytes or no regular file, else why not.
    func read(limit: Int) throws(Status) -> [UInt8] {
        if case .text(let text) = self { return Array(text.utf8) }
        let descriptor = try open()
        defer { close(descriptor) }
        var status = stat()
        if fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > limit {
            throw InputFile.tooLarge("\(status.st_size)", limit: limit)
        }
        var content: [UInt8] = []
        while true {
            let piece = try InputFile.readSome(descriptor, upTo: 256 << 10)
            if piece.isEmpty { return content }
            content += piece
            guard content.count <= limit else { throw InputFile.tooLarge("more than \(limit)", limit: limit) }
        }
    }

    /// Opens a file, or standard input; the caller closes the descriptor.
    /// - Throws: `invalidArgument` when it is no regular file, else why not.
    func open() throws(Status) -> Int32 {
        switch self {
        case .text:
            throw Status(.internal, "a text is not opened")
        case .unreadable(_, let status):
            throw status
        case .standardInput:
            guard fcntl(STDIN_FILENO, F_GETFL) & O_ACCMODE != O_WRONLY else {
                throw Status(
                    .invalidArgument, "there is nothing to read: it is closed", hint: "pipe a mail into it, or name a file")
            }
            return dup(STDIN_FILENO)
        case .file(let path):
            // A FIFO without a writer must not hold up the rest.
            let descriptor = path.withPlatformString { Glibc.open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            guard descriptor >= 0 else { throw InputFile.failure("read") }
            var status = stat()
            guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
                close(descriptor)
                throw Status(.invalidArgument, "not a regular file")
            }
            return descriptor
        }
    }

    /// The next bytes; none at the end.
    static func readSome(_ descriptor: Int32, upTo count: Int) throws(Status) -> [UInt8] {
        while true {
            var result = 0
            let piece = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                result = Glibc.read(descriptor, buffer.baseAddress, count)
                filled = max(0, result)
            }
            if result >= 0 { return piece }
            guard errno == EINTR else { throw failure("read") }
        }
    }

    private static func tooLarge(_ size: String, limit: Int) -> Status {
        Status(
            .invalidArgument, "the file has \(size) bytes; a message has at most \(limit)", limit: limit)
    }

    private static func failure(_ operation: String) -> Status {
        Status(Status.Code(errno: Errno(rawValue: errno)), "cannot \(operation): \(String(cString: strerror(errno)))")
    }
}

extension Status.Code {
    /// What a system call on a file failed of.
    init(errno: Errno) {
        self =
            switch errno {
            case .permissionDenied, .notPermitted: .permissionDenied
            case .noSuchFileOrDirectory: .notFound
            case .fileExists: .alreadyExists
            case .tooManySymbolicLinkLevels, .fileNameTooLong, .notDirectory, .isDirectory: .invalidArgument
            default: .unavailable
            }
    }
}
