import Catalog
import Dataset
import Messages
import Model
import RPC
import ServiceLifecycle
import Synchronization

/// Knows which services do their work, and tells those who watch.
final class HealthService: Service {
    private struct Watcher {
        let call: Call
        let service: String
        var told: Health?
    }

    private struct State {
        var watchers: [UInt64: Watcher] = [:]
        var lastNumber: UInt64 = 0
        var isStopping = false
    }

    private let directory: SandboxDirectory
    private let catalog: CatalogStore
    private let time: TrustedTime
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation
    private let state = Mutex(State())
    private let watchers = Allowance(limit: Limits.healthWatchers, share: Limits.healthWatchersPerConnection)

    /// - Parameter changes: what tells that health may have changed, with its stream.
    init(
        directory: SandboxDirectory, catalog: CatalogStore, time: TrustedTime,
        changes: (stream: AsyncStream<Void>, continuation: AsyncStream<Void>.Continuation)
    ) {
        self.directory = directory
        self.catalog = catalog
        self.time = time
        self.changes = changes.stream
        changed = changes.continuation
    }

    /// Ingesting serves while every dataset takes records; the rest, while the catalog can be read; the daemon, while both do. The
    /// administration is called for while the clock is doubted: it does not serve then.
    func health(of service: String) async -> Health {
        guard service.isEmpty || ServiceDescriptors.builtIn.services.contains(service) else { return .serviceUnknown }
        if state.withLock({ $0.isStopping }) { return .notServing }
        if service.isEmpty || service == MethodName.ingest.service {
            let snapshot = directory.snapshot
            guard snapshot.failed.isEmpty, snapshot.entries.values.allSatisfy(\.store.isHealthy) else { return .notServing }
        }
        if service == MethodName.getTime.service, time.reading.doubt != nil { return .notServing }
        if service != MethodName.ingest.service {
            guard (try? await catalog.organization()) != nil else { return .notServing }
        }
        return .serving
    }

    func check(_ request: HealthCheckRequest, _ call: Call) async throws(Status) -> Health {
        let health = await health(of: request.service)
        guard health != .serviceUnknown else {
            throw Status(.notFound, "there is no service of that name", field: "service")
        }
        return health
    }

    /// Serves `Watch`.
    func watch(_ call: Call, _ request: [UInt8]) -> (any Cancellable)? {
        do throws(Status) {
            let service = try HealthCheckRequest(packed: request).service
            guard watchers.take(1, of: call.connection) else {
                throw Status(
                    .resourceExhausted, "too many calls watch health already", hint: "use Check", limit: watchers.share)
            }
            let number = try state.withLock { (state) throws(Status) -> UInt64 in
                guard !state.isStopping else {
                    watchers.giveBack(1, of: call.connection)
                    throw .stopping
                }
                state.lastNumber += 1
                state.watchers[state.lastNumber] = Watcher(call: call, service: service)
                return state.lastNumber
            }
            // A watch lasts: what it asked with needs no memory any more.
            call.release(messages: 1, bytes: request.count)
            changed.yield()
            return Watch(self, number)
        } catch {
            call.answer(.failure(error))
            return nil
        }
    }

    private final class Watch: Cancellable {
        private let service: HealthService
        private let number: UInt64

        init(_ service: HealthService, _ number: UInt64) {
            self.service = service
            self.number = number
        }

        func cancel() {
            // Who is not there any more was ended by the stop.
            if let watcher = service.state.withLock({ $0.watchers.removeValue(forKey: number) }) { service.end(watcher) }
        }
    }

    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [changed] in
                // Nothing tells of a catalog that cannot be read.
                while (try? await Task.sleep(for: .seconds(Limits.healthSeconds))) != nil { changed.yield() }
            }
            await withGracefulShutdownHandler {
                for await _ in changes { await tell() }
            } onGracefulShutdown: {
                self.state.withLock { $0.isStopping = true }
                self.changed.finish()
            }
            group.cancelAll()
        }
        await tell()
        let ended = state.withLock { state in
            defer { state.watchers = [:] }
            return state.watchers.values
        }
        for watcher in ended { end(watcher) }
    }

    private func end(_ watcher: Watcher) {
        watcher.call.finish()
        watchers.giveBack(1, of: watcher.call.connection)
    }

    /// Tells each watcher what it does not know yet.
    private func tell() async {
        let services = state.withLock { Set($0.watchers.values.map(\.service)) }
        for service in services.sorted() {
            let health = await health(of: service)
            let calls = state.withLock { state in
                state.watchers.filter { $0.value.service == service && $0.value.told != health }.map { number, watcher in
                    state.watchers[number]?.told = health
                    return watcher.call
                }
            }
            for call in calls { call.post(health.packed) }
        }
    }
}
