import Dispatch
import Glibc
import Synchronization

/// A thread's worth of blocking work, kept off Swift's cooperative pool: one piece at a time, in order.
package final class DiskQueue: Sendable {
    private let queue: DispatchQueue
    /// Pieces of work that were given and have not ended.
    private let given = Atomic(0)

    /// - Parameter name: shows in debuggers.
    package init(_ name: String) {
        queue = DispatchQueue(label: "message-export.\(name)")
    }

    /// Lets the thread that calls it rest. Only on a queue's thread: on others something else would wait.
    package static func pause(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
        nanosleep(&time, nil)
    }

    /// Runs `work` after everything given before it and returns at once.
    package func start(_ work: @escaping @Sendable () -> Void) {
        given.add(1, ordering: .relaxed)
        queue.async { [self] in
            defer { given.subtract(1, ordering: .relaxed) }
            work()
        }
    }

    /// Runs `work` on the calling thread, before whatever is given from now on; nil: something was given before and has not ended, and
    /// `work` was not run. What is given in this instant may come first.
    package func runHere<Value>(_ work: () -> Value) -> Value? {
        guard given.compareExchange(expected: 0, desired: 1, ordering: .relaxed).exchanged else { return nil }
        defer { given.subtract(1, ordering: .relaxed) }
        return queue.sync(execute: work)
    }

    /// Runs `work` after everything given before it, for a thread that may block; never called by `work` of this queue.
    package func wait(_ work: () -> Void) {
        given.add(1, ordering: .relaxed)
        defer { given.subtract(1, ordering: .relaxed) }
        queue.sync(execute: work)
    }

    /// Runs `work` after everything given before it and returns what it returned, or throws what it threw.
    package func run<Value: Sendable, Failure: Error>(
        _ work: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
            start {
                do throws(Failure) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
