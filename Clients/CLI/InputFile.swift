import Foundation
import Glibc
import Model

/// Something to ingest: a file, standard input, or a text from the command line.
enum InputFile: Sendable {
    case file(String)
    case standardInput
    case text(String)

    /// What people know it by.
    var name: String {
        switch self {
        case .file(let path): path
        case .standardInput: "standard input"
        case .text: "text"
        }
    }

    /// The inputs that arguments name: a folder stands for every regular file in it, by name, subfolders too.
    /// - Throws: `notFound` for what is not there.
    static func all(_ arguments: [String]) throws -> [InputFile] {
        try arguments.flatMap { argument -> [InputFile] in
            if argument == "-" { return [.standardInput] }
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: argument, isDirectory: &isFolder) else {
                throw Status(.notFound, "there is no file or folder \(argument)")
            }
            return isFolder.boolValue ? try regularFiles(in: argument) : [.file(argument)]
        }
    }

    private static func regularFiles(in folder: String) throws -> [InputFile] {
        guard let walker = FileManager.default.enumerator(atPath: folder) else {
            throw Status(.permissionDenied, "cannot list the folder \(folder)")
        }
        var names: [String] = []
        while let name = walker.nextObject() as? String {
            // Links are not followed: what they point to may be anywhere, and may lead back.
            if walker.fileAttributes?[.type] as? FileAttributeType == .typeRegular { names.append(name) }
        }
        return names.sorted().map { .file("\(folder.hasSuffix("/") ? String(folder.dropLast()) : folder)/\($0)") }
    }

    /// The whole content.
    /// - Throws: `resourceExhausted` when it is over `limit` bytes, `invalidArgument` when it is no regular file, else why not.
    func read(limit: Int) throws(Status) -> [UInt8] {
        switch self {
        case .text(let text):
            return Array(text.utf8)
        case .standardInput:
            return try InputFile.read(STDIN_FILENO, limit: limit)
        case .file(let path):
            // A FIFO without a writer must not hold up the rest.
            let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
            guard descriptor >= 0 else { throw InputFile.failure() }
            defer { close(descriptor) }
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw InputFile.failure() }
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
            guard count >= 0 else { throw failure() }
            if count == 0 { return content }
            content += piece.prefix(count)
            guard content.count <= limit else {
                throw Status(.resourceExhausted, "larger than \(limit) bytes, the most that one message can have")
            }
        }
    }

    private static func failure() -> Status {
        let code: Status.Code = errno == EACCES ? .permissionDenied : errno == ENOENT ? .notFound : .unavailable
        return Status(code, "cannot be read: \(String(cString: strerror(errno)))")
    }
}
