import ArgumentParser
import Daemon
import Logging
import Model

struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copies everything but records and their keys into a folder, while the daemon may be running.",
        discussion: """
            What is configured, granted and audited, cursors and manifests of dataflows, secrets of destinations (sealed) and the signing key \
            (sealed). Not in it: records and their keys, which are to be gone when their time is over; what waits in senders' spools; and the \
            master key, of which a copy is to be kept elsewhere: without it a backup cannot be restored.

            EXAMPLES
              msgexportd backup --to /srv/backups/message-export-$(date +%F)
              msgexportd backup --data /srv/message-export --to /mnt/nas/message-export
            """)

    @OptionGroup var folder: DataOptions

    @Option(help: ArgumentHelp("Folder to make; it must not be there, or be empty.", valueName: "folder"))
    var to: String

    func validate() throws {
        guard !to.isEmpty else { throw ValidationError("--to is empty") }
    }

    func run() throws {
        prepareProcess()
        do {
            let summary = try Backup(absolute(to)).make(of: try folder.settings())
            print("\(absolute(to)): organization \(summary.organization), \(summary.madeAt)")
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Makes a data folder of a backup, under the master key that it was made under.",
        discussion: """
            The folder must be empty. Grants, configurations, dataflows with their cursors, and the audit are as they were; records that were \
            stored are not there, and do not come back; runs that were under way have failed. New records get sequences far above all that \
            were given, and the next manifest of each dataflow says that what lies between is of before a restore. The audit tells of it.

            The daemon that the backup is of must not go on beside it: both would sign the same audit.

            EXAMPLE
              msgexportd restore --from /srv/backups/message-export-2026-11-28 --data /var/lib/message-export
            """)

    @OptionGroup var folder: DataOptions

    @Option(help: ArgumentHelp("The backup.", valueName: "folder"))
    var from: String

    func run() async throws {
        prepareProcess()
        let logger = Logger(label: "msgexportd", factory: { _ in SwiftLogNoOpLogHandler() })
        do {
            let settings = try folder.settings()
            let summary = try await Restore(settings).run(from: Backup(absolute(from)), logger: logger)
            print("\(settings.data): organization \(summary.organization) as of \(summary.madeAt); start the daemon")
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }
}
