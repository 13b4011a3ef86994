import Logging
import Messages
import Metrics
import Model
import RPC
import ServiceLifecycle
import Synchronization

/// Serves the sockets until the daemon stops.
struct RPCService: Service {
    let sockets: [ListeningSocket]
    let methods: [Method]
    let environment: [String: String]
    let meters: Meters
    let logger: Logger

    func run() async throws {
        let reports = PeerReports(logger)
        let meters = meters
        let server = try await Server.start(sockets, methods: methods) { peer, reason in
            meters.connectionsClosed.add()
            reports.add(peer, reason)
        }
        meters.watchConnections { server.connectionCount }
        for socket in sockets.dropFirst() {
            logger.notice("serves one sandbox", metadata: ["socket": "\(socket.path)", "sandbox": "\(socket.sandbox ?? "")"])
        }
        logger.notice("serving", metadata: ["socket": "\(sockets[0].path)", "version": "\(productVersion)"])
        Systemd.notify("READY=1\nSTATUS=serving \(sockets[0].path)", environment: environment)
        // Cancellation, when another service failed, stops it as a shutdown does.
        try? await gracefulShutdown()
        await server.stop()
        logger.notice("stopped serving", metadata: ["socket": "\(sockets[0].path)"])
    }
}

/// Logs what peers did wrong; a flood of it is counted, not logged.
private final class PeerReports: Sendable {
    private struct State {
        var minuteStart = ContinuousClock.now
        var logged = 0
        var suppressed = 0
    }

    private let logger: Logger
    private let state = Mutex(State())

    init(_ logger: Logger) {
        self.logger = logger
    }

    func add(_ peer: Peer, _ reason: String) {
        let (isLogged, suppressed) = state.withLock { state -> (Bool, Int) in
            let now = ContinuousClock.now
            var suppressed = 0
            if now - state.minuteStart >= .seconds(60) {
                suppressed = state.suppressed
                state = State(minuteStart: now)
            }
            guard state.logged < Limits.peerReportsPerMinute else {
                state.suppressed += 1
                return (false, suppressed)
            }
            state.logged += 1
            return (true, suppressed)
        }
        if suppressed > 0 {
            logger.warning("more connections were closed than are logged", metadata: ["count": "\(suppressed)"])
        }
        if isLogged {
            logger.warning("a connection was closed", metadata: ["uid": "\(peer.uid)", "reason": "\(reason)"])
        }
    }
}
