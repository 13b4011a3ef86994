import CMalloc
import Dataset
import Logging
import Model
import ServiceLifecycle

/// Keeps datasets in order: compresses what nobody writes to, and brings up those that could not be opened. At a stop it ends what would take
/// long.
struct UpkeepService: Service {
    let directory: SandboxDirectory
    let sandboxes: Sandboxes
    let logger: Logger

    func run() async {
        await withGracefulShutdownHandler {
            while !Task.isShuttingDownGracefully, !Task.isCancelled {
                // Not at once: who has just started it wants it to serve.
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.upkeepSeconds)) }
                guard !Task.isShuttingDownGracefully else { return }
                await sandboxes.bringUpFailed(logger)
                for entry in directory.snapshot.entries.values where !Task.isShuttingDownGracefully { await compact(entry) }
                // What was needed for a time is given back to the system.
                mi_collect(true)
            }
        } onGracefulShutdown: {
            for entry in directory.snapshot.entries.values { entry.store.prepareToClose() }
        }
    }

    private func compact(_ entry: SandboxDirectory.Entry) async {
        do throws(DatasetError) {
            let segments = try await entry.store.compact()
            if segments > 0 {
                logger.info("compressed", metadata: ["sandbox": "\(entry.sandbox.name)", "segments": "\(segments)"])
            }
        } catch {
            guard error.code != .closed else { return }
            // What is there stays as it is; the next round tries again.
            logger.error("not compressed", metadata: ["sandbox": "\(entry.sandbox.name)", "error": "\(error)"])
        }
    }
}
