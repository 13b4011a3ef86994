package import Logging
import Synchronization
package import SystemPackage

/// What can change while a daemon runs.
package struct ReloadableSettings: Hashable, Sendable {
    /// Program that is told of alerts; nil: none is.
    package var alertCommand: FilePath?
    /// How long nothing may go on at a destination.
    package var stallSeconds: Int
    /// The least important of what is logged.
    package var logLevel: Logger.Level
    /// Whether metrics are told for each sandbox.
    package var metricsNameSandboxes: Bool

    package init(alertCommand: FilePath?, stallSeconds: Int, logLevel: Logger.Level, metricsNameSandboxes: Bool) {
        self.alertCommand = alertCommand
        self.stallSeconds = stallSeconds
        self.logLevel = logLevel
        self.metricsNameSandboxes = metricsNameSandboxes
    }
}

/// What the daemon was told last.
final class CurrentSettings: Sendable {
    private let settings: Mutex<ReloadableSettings>

    init(_ settings: ReloadableSettings) {
        self.settings = Mutex(settings)
    }

    var value: ReloadableSettings {
        get { settings.withLock { $0 } }
        set { settings.withLock { $0 = newValue } }
    }
}

/// What a daemon is run in.
package struct Surroundings: Sendable {
    /// The process's.
    let environment: [String: String]
    /// What is logged: a reload can change it.
    let threshold: LogThreshold
    /// What was logged.
    let lines: LogLines
    /// Reads again what the daemon is told, for a reload.
    let reread: @Sendable () throws -> Reloaded

    package init(
        environment: [String: String], threshold: LogThreshold, lines: LogLines, reread: @escaping @Sendable () throws -> Reloaded
    ) {
        self.environment = environment
        self.threshold = threshold
        self.lines = lines
        self.reread = reread
    }
}
