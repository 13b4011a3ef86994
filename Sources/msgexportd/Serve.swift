import ArgumentParser
import Daemon
import Foundation
import Glibc
import Logging
import Settings
import Synchronization

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Serves a Unix socket until SIGTERM or SIGINT; what msgexportd does without a subcommand.",
        discussion: """
            Logs to standard error. What it is told it is told by options, by the environment (--socket-mode by MSGEXPORTD_SOCKET_MODE, and \
            so on), or by its configuration file: see 'msgexportd config example'. SIGHUP makes it read the file again.

            EXAMPLE
              msgexportd serve --data /srv/message-export --socket /run/message-export/msgexportd.sock
            """)

    @OptionGroup var folder: DataOptions
    @OptionGroup var options: ServeOptions

    func run() async throws {
        prepareProcess()
        raiseDescriptorLimit()
        let settings: Settings
        do {
            settings = try read()
        } catch {
            complain("\(error)")
            throw ExitCode(2)
        }
        let environment = ProcessInfo.processInfo.environment
        let threshold = LogThreshold(settings.reloadable.logLevel)
        let lines = LogLines()
        let format = LineLogHandler.Format(settings, isJournal: environment["JOURNAL_STREAM"] != nil)
        let logger = Logger(label: "msgexportd", factory: { _ in LineLogHandler(threshold, format: format, lines: lines) })
        do {
            let held = Mutex(settings)
            let surroundings = Surroundings(environment: environment, threshold: threshold, lines: lines) {
                let new = try read()
                let changed = held.withLock { held in
                    defer { held = new }
                    return held.changes(to: new).filter(\.isReloadable)
                }
                return Reloaded(
                    settings: new.reloadable, changed: changed.map(\.key),
                    needRestart: settings.changes(to: new).filter { !$0.isReloadable }.map(\.key))
            }
            let passed = try Systemd.passedSockets(environment: environment)
            try await DaemonProcess.run(settings.daemon(sockets: passed), surroundings, logger: logger)
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }

    /// - Throws: `SettingsError` with all that is wrong.
    private func read() throws -> Settings {
        let settings = try folder.read(options.told)
        let problems = settings.problemsHere
        guard problems.isEmpty else { throw SettingsError(problems: problems) }
        return settings
    }

    /// As many descriptors as this process may have: connections, segments and the catalog share them.
    private func raiseDescriptorLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

extension LineLogHandler.Format {
    fileprivate init(_ settings: Settings, isJournal: Bool) {
        self = settings[.logFormat] == "json" ? .json : isJournal ? .journal : .text
    }
}
