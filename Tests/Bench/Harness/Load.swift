import Foundation
import Glibc
import Messages
import Model
import NIOCore
import RPC
import Synchronization
import SystemPackage
import TestSupport

/// A process of its own that sends messages on some connections, on one `IngestStream` each, and tells how fast they were answered. Every
/// answer is looked at: one that is not as expected ends it.
enum Load {
    /// What is sent.
    struct Order: Codable, Sendable {
        var socket: String
        var connections = 4
        /// Unanswered at most, of a connection; without a rate.
        var inFlight = 64
        var corpus = Corpus.receipt
        /// Messages in all.
        var count = 100_000
        /// Of the ids: others than any order before it has.
        var name: String
        /// Whether it goes to configurations whose flag is on.
        var isKept = true
        /// Messages a second, sent when their time is there, whatever is answered; nil: as fast as they are answered. A time is told from when a
        /// message was to be sent, so that who sends late does not hide it.
        var rate: Double?
        /// The first number of its messages' content.
        var first = 0

        init(socket: String, name: String, _ change: (inout Order) -> Void = { _ in }) {
            self.socket = socket
            self.name = name
            change(&self)
        }
    }

    /// What came of it. Times are those from sending to the answer, in microseconds.
    struct Figures: Codable, Sendable {
        /// Messages answered a second.
        var rate: Double
        var p50: Double
        var p99: Double
        var p999: Double
        var worst: Double
        /// Of the process that sends, for each message.
        var cpu: Double
    }

    /// Lets a process of its own send.
    static func run(_ order: Order) async throws -> Figures {
        let program = FilePath(try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
        let text = String(decoding: try JSONEncoder().encode(order), as: UTF8.self)
        let ended = try await Programs.run(program, ["load", text])
        guard ended.code == 0 else { throw Status(.internal, "the load failed: \(ended.output)\(ended.errors)") }
        return try JSONDecoder().decode(Figures.self, from: Data(ended.output.utf8))
    }

    /// Of that process: sends, and prints what came of it.
    static func work(_ text: String) throws {
        // Threads wait as exactly as the kernel can, and not 50 µs longer.
        try? "1".write(toFile: "/proc/self/timerslack_ns", atomically: false, encoding: .utf8)
        let order = try JSONDecoder().decode(Order.self, from: Data(text.utf8))
        let results = Mutex<[Result<[UInt64], any Error>]>([])
        let lanes = try (0..<order.connections).map { try Lane(order, $0) }
        let group = DispatchGroup()
        let start = nanoseconds()
        for lane in lanes {
            group.enter()
            Thread.detachNewThread {
                let result = Result { try lane.send(from: start) }
                results.withLock { $0.append(result) }
                group.leave()
            }
        }
        group.wait()
        let seconds = Double(nanoseconds() - start) / 1e9
        var times: [UInt64] = []
        for result in results.withLock({ $0 }) { times += try result.get() }
        times.sort()
        func quantile(_ part: Double) -> Double { Double(times[min(times.count - 1, Int(Double(times.count) * part))]) / 1000 }
        let figures = Figures(
            rate: Double(times.count) / seconds, p50: quantile(0.5), p99: quantile(0.99), p999: quantile(0.999),
            worst: quantile(1),
            cpu: processorMicroseconds() / Double(times.count))
        print(String(decoding: try JSONEncoder().encode(figures), as: UTF8.self))
    }
}

/// Since some start, on this machine.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// What this process has used of processors.
func processorMicroseconds() -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func microseconds(_ time: timeval) -> Double { Double(time.tv_sec) * 1e6 + Double(time.tv_usec) }
    return microseconds(usage.ru_utime) + microseconds(usage.ru_stime)
}
