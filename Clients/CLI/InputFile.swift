import Glibc
import Model
import SystemPackage

/// Something to ingest: a file, standard input, or a text from the command line.
enum InputFile: Sendable {
    case file(FilePath)
    case standardInput
    case text(String)
    /// Something of a folder that cannot be looked into.
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
    /// - Throws: `notFound` for what is not there, and for a folder that holds no file.
    static func all(_ arguments: [String]) throws(Status) -> [InputFile] {
        var inputs: [InputFile] = []
        for argument in arguments {
            if argument == "-" {
                inputs.append(.standardInput)
                continue
            }
            let path = FilePath(argument)
            var status = stat()
            guard stat(argument, &status) == 0 else {
                throw errno == ENOENT
                    ? Status(.notFound, "there is no file or folder \(argument)") : failure("look at \(argument)")
            }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                inputs.append(.file(path))
                continue
            }
            let found = files(in: path)
            guard !found.isEmpty else { throw Status(.notFound, "the folder \(argument) holds no regular file") }
            inputs += found
        }
        return inputs
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
    /// - Throws: `resourceExhausted` when it is over `limit` bytes, `invalidArgument` when it is no regular file, else why not.
    func read(limit: Int) throws(Status) -> [UInt8] {
        switch self {
        case .text(let text):
            return Array(text.utf8)
        case .unreadable(_, let status):
            throw status
        case .standardInput:
            return try InputFile.read(STDIN_FILENO, limit: limit)
        case .file(let path):
            // A FIFO without a writer must not hold up the rest.
            let descriptor = path.withPlatformString { open($0, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            guard descriptor >= 0 else { throw InputFile.failure("read") }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw InputFile.failure("look at it") }
            guard status.st_mode & S_IFMT == S_IFREG else { throw Status(.invalidArgument, "not a regular file") }
            return try InputFile.read(descriptor, limit: limit)
        }
    }

    private static func read(_ descriptor: Int32, limit: Int) throws(Status) -> [UInt8] {
        var content: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 256 << 10)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("read") }
            if count == 0 { return content }
            content += piece.prefix(count)
            guard content.count <= limit else {
                throw Status(.resourceExhausted, "larger than \(limit) bytes, the most that one message can have")
            }
        }
    }

    private static func failure(_ operation: String) -> Status {
        let code: Status.Code = errno == EACCES ? .permissionDenied : errno == ENOENT ? .notFound : .unavailable
        return Status(code, "cannot \(operation): \(String(cString: strerror(errno)))")
    }
}
