import ArgumentParser
import Daemon
import Foundation
import Glibc
import Logging
import Model

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Reads all of a data folder that no daemon serves, and tells what is not as it was written.",
        discussion: """
            Catalog, audit, and every dataset: keys in both copies, data and indexes, to the last byte. It finishes first what a stop cut off, \
            as a start of the daemon does. Exits with 1 when something is wrong.

            --repair writes damaged copies of keys from the good one, and damaged indexes from the data. What is lost stays lost, and is told.

            EXAMPLES
              msgexportd check --data /srv/message-export
              msgexportd check --data /srv/message-export --repair
            """)

    @OptionGroup var folder: DataOptions

    @Flag(help: "Mend what can be mended.")
    var repair = false

    func run() async throws {
        prepareProcess()
        let logger = Logger(label: "msgexportd", factory: { _ in SwiftLogNoOpLogHandler() })
        let isTerminal = isatty(STDERR_FILENO) == 1
        do {
            let problems = try await DataCheck(try folder.settings(), logger: logger).run(repairs: repair) { line in
                switch line {
                case .good(let text): print(text)
                case .problem(let text): print("PROBLEM  \(text)")
                case .progress(let done, let all, let what):
                    guard isTerminal, all > 0 else { return }
                    let text = "\r\u{1B}[K\(what): \(done * 100 / max(1, all)) %\r"
                    try? FileHandle.standardError.write(contentsOf: Data(text.utf8))
                }
            }
            print(problems == 0 ? "all is good" : "\(problems) problems")
            guard problems == 0 else { throw ExitCode.failure }
        } catch let code as ExitCode {
            throw code
        } catch {
            complain("\(error)")
            throw ExitCode.failure
        }
    }
}
