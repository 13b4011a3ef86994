import ServiceLifecycle

/// Tells systemd when the daemon stops and, if it wants to hear it, that it still does its work.
struct WatchdogService: Service {
    let health: HealthService
    let environment: [String: String]

    func run() async {
        await withGracefulShutdownHandler {
            guard let interval = Systemd.watchdog(environment: environment) else {
                try? await gracefulShutdown()
                return
            }
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                // Whatever the answer is: who can give one is not stuck.
                _ = await health.health(of: "")
                Systemd.notify("WATCHDOG=1", environment: environment)
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: interval / 3) }
            }
        } onGracefulShutdown: {
            Systemd.notify("STOPPING=1", environment: environment)
        }
    }
}
