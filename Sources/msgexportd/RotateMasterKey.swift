import ArgumentParser
import Daemon
import Logging
import Model

struct RotateMasterKey: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate-master-key",
        abstract: "Puts another master key in the place of the one that a data folder was made under.",
        discussion: """
            While no daemon serves it. The new key's file is made where it is missing. What a stop cuts off is gone on with by the same command; \
            until it is finished no daemon starts. At its end it tells whether anything still hangs on the old key.

            The segments' own keys stay, wrapped by the new one; 'msgexport dataset compact' gives them new ones too.

            EXAMPLE
              msgexportd rotate-master-key --data /srv/message-export \\
                --master-key /etc/message-export/master.key --new-master-key /etc/message-export/new.key
            """)

    @OptionGroup var folder: DataOptions

    @Option(help: ArgumentHelp("File of the new key, outside the data folder.", valueName: "file"))
    var newMasterKey: String

    func validate() throws {
        guard !newMasterKey.isEmpty else { throw ValidationError("--new-master-key is empty") }
    }

    func run() async throws {
        prepareProcess()
        let logger = Logger(label: "msgexportd", factory: { StreamLogHandler.standardError(label: $0) })
        do {
            try await MasterKeyRotation(try folder.settings(), logger: logger).run(newKey: absolute(newMasterKey)) { print($0) }
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }
}
