import Glibc
import SystemPackage

/// What the kernel says of this process.
struct ProcessFigures: Sendable {
    /// Bytes in memory.
    let residentBytes: UInt64
    /// Bytes of address space.
    let virtualBytes: UInt64
    let openDescriptors: UInt64
    let descriptorLimit: UInt64
    /// Of processor time, with the kernel's.
    let cpuSeconds: Double

    /// As it is now; what cannot be told is 0.
    static var now: ProcessFigures {
        let pages = pageCounts
        let size = UInt64(max(1, sysconf(Int32(_SC_PAGESIZE))))
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return ProcessFigures(
            residentBytes: pages.resident * size, virtualBytes: pages.virtual * size, openDescriptors: openDescriptorCount,
            descriptorLimit: UInt64(limit.rlim_cur), cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime))
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }

    /// Of proc(5)'s statm.
    private static var pageCounts: (virtual: UInt64, resident: UInt64) {
        guard let descriptor = try? FileDescriptor.open("/proc/self/statm", .readOnly) else { return (0, 0) }
        defer { try? descriptor.close() }
        var bytes = [UInt8](repeating: 0, count: 256)
        let count = (try? bytes.withUnsafeMutableBytes { try descriptor.read(into: $0) }) ?? 0
        let numbers = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ").prefix(2).compactMap {
            UInt64($0)
        }
        return numbers.count == 2 ? (numbers[0], numbers[1]) : (0, 0)
    }

    private static var openDescriptorCount: UInt64 {
        guard let folder = opendir("/proc/self/fd") else { return 0 }
        defer { closedir(folder) }
        var count: UInt64 = 0
        while readdir(folder) != nil { count += 1 }
        // The folder itself, "." and "..".
        return count > 3 ? count - 3 : 0
    }
}
