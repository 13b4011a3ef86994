import Foundation
import Glibc
import Model
import SystemPackage

/// What the disk alone can do: writes of a size into a file that has been written before, each synced before the next begins, as a log
/// must.
final class DiskLimit: Sendable {
    private static let fileBytes = 256 << 20
    private let file: FileDescriptor

    init(in folder: FilePath) throws {
        file = try FileDescriptor.open(
            folder.appending("limit"), .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        for index in 0..<Self.fileBytes >> 20 { _ = try file.writeAll(toAbsoluteOffset: Int64(index << 20), zeros) }
        guard fsync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
    }

    deinit {
        try? file.close()
    }

    /// Nanoseconds of each of so many writes of that many bytes at the end of a file that grows by them.
    static func growing(in folder: FilePath, bytes: Int, count: Int) throws -> [UInt64] {
        let content = [UInt8](repeating: 7, count: bytes)
        let file = try FileDescriptor.open(
            folder.appending("growing"), .readWrite, options: [.create, .truncate], permissions: .ownerReadWrite)
        defer { try? file.close() }
        return try (0..<count).map { index in
            let start = nanoseconds()
            _ = try file.writeAll(toAbsoluteOffset: Int64(index * bytes), content)
            guard fdatasync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            return nanoseconds() - start
        }
    }

    /// Nanoseconds of each of so many writes of that many bytes.
    func times(bytes: Int, count: Int) throws -> [UInt64] {
        let content = [UInt8]((0..<bytes).map { UInt8(truncatingIfNeeded: $0 &* 31) })
        var offset = 0
        return try (0..<count).map { _ in
            if offset + bytes > Self.fileBytes { offset = 0 }
            let start = nanoseconds()
            _ = try file.writeAll(toAbsoluteOffset: Int64(offset), content)
            guard fdatasync(file.rawValue) == 0 else { throw Errno(rawValue: errno) }
            // Pages that are half written by the next would have to be waited for.
            offset += (bytes + 4095) & ~4095
            return nanoseconds() - start
        }
    }

    /// Bytes a second.
    func rate(bytes: Int) throws -> Double {
        let times = try times(bytes: bytes, count: max(20, min(1000, (128 << 20) / bytes)))
        return Double(bytes * times.count) / (Double(times.reduce(0, +)) / 1e9)
    }
}

extension [UInt64] {
    /// The median of nanoseconds, in microseconds.
    var medianMicroseconds: Double { isEmpty ? .nan : Double(sorted()[count / 2]) / 1000 }
}
