import Catalog
import Logging
import Model
import ServiceLifecycle
import UnixSignals

/// Takes up what can change of the daemon's settings, at each SIGHUP.
struct ReloadService: Service {
    let current: CurrentSettings
    let surroundings: Surroundings
    let audit: AuditService
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            await reload()
        }
    }

    func reload() async {
        do {
            let told = try surroundings.reread()
            current.value = told.settings
            surroundings.threshold.level = told.settings.logLevel
            for name in told.needRestart {
                logger.warning(
                    "a setting has changed that a reload cannot take up; restart for it", metadata: ["setting": "\(name)"])
            }
            let changed = told.changed.isEmpty ? "nothing" : told.changed.joined(separator: ", ")
            logger.notice("settings are read again", metadata: ["changed": "\(changed)"])
            try await audit.record([Deed(user: nil, action: .daemonReload, detail: "changed: \(changed)")])
        } catch {
            logger.error("settings could not be read again; those that held still do", metadata: ["error": "\(error)"])
        }
    }
}

/// What a reload found.
package struct Reloaded: Sendable {
    /// What holds from now on.
    package let settings: ReloadableSettings
    /// Names of the settings that it changed.
    package let changed: [String]
    /// Names of the settings that wait for a restart.
    package let needRestart: [String]

    package init(settings: ReloadableSettings, changed: [String], needRestart: [String]) {
        self.settings = settings
        self.changed = changed
        self.needRestart = needRestart
    }
}
