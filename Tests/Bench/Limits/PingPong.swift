import Foundation
import Glibc
import SystemPackage

/// What a Unix socket alone takes: so many bytes there and so many back, by two threads that do nothing else.
enum PingPong {
    /// Nanoseconds of each of so many turns.
    static func times(there: Int, back: Int, count: Int) throws -> [UInt64] {
        var ends: [Int32] = [0, 0]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw Errno(rawValue: errno) }
        defer { ends.forEach { close($0) } }
        let (near, far) = (ends[0], ends[1])
        let answered = DispatchGroup()
        answered.enter()
        Thread.detachNewThread {
            for _ in 0..<count {
                guard take(far, there), give(far, back) else { break }
            }
            answered.leave()
        }
        let times = try (0..<count).map { _ in
            let start = nanoseconds()
            guard give(near, there), take(near, back) else { throw Errno.brokenPipe }
            return nanoseconds() - start
        }
        answered.wait()
        return times
    }

    private static func give(_ descriptor: Int32, _ count: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { space in
            space.initializeMemory(as: UInt8.self, repeating: 7)
            return send(descriptor, space.baseAddress, count, Int32(MSG_NOSIGNAL)) == count
        }
    }

    private static func take(_ descriptor: Int32, _ count: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: count, alignment: 8) { space in
            var left = count
            while left > 0 {
                let got = recv(descriptor, space.baseAddress, left, 0)
                guard got > 0 else { return false }
                left -= got
            }
            return true
        }
    }
}
