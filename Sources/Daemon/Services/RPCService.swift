import Logging
import Messages
import Model
import RPC
import ServiceLifecycle

/// Serves the socket until the daemon stops.
struct RPCService: Service {
    let path: String
    let methods: [MethodName: MethodHandler]
    let logger: Logger

    func run() async throws {
        let server = try await Server.start(path: path, methods: methods)
        logger.notice("serving", metadata: ["socket": "\(path)", "version": "\(productVersion)"])
        // Cancellation, when another service failed, stops it as a shutdown does.
        try? await gracefulShutdown()
        await server.stop()
        logger.notice("stopped serving", metadata: ["socket": "\(path)"])
    }
}
