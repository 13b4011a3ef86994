import ArgumentParser
import Foundation
import Settings

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Checks, shows or explains what the daemon is told.",
        discussion: """
            EXAMPLE
              msgexportd config example >/etc/message-export/msgexportd.yaml
            """,
        subcommands: [Check.self, Show.self, Example.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tells all that is wrong with the settings, and exits with 1 if anything is.",
            discussion: """
                The configuration file and the environment, as the daemon would read them. Before a reload or a restart.

                EXAMPLE
                  msgexportd config check --config /etc/message-export/msgexportd.yaml
                """)

        @OptionGroup var folder: DataOptions
        @OptionGroup var options: ServeOptions

        func run() throws {
            do {
                let settings = try folder.read(options.told)
                let problems = settings.problemsHere + settings.missingPrograms
                guard problems.isEmpty else { throw SettingsError(problems: problems) }
                print("\(folder.file ?? "no configuration file"): all is good")
            } catch let error as SettingsError {
                for problem in error.problems { complain(problem) }
                throw ExitCode.failure
            }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows what holds, and who said so.",
            discussion: """
                EXAMPLE
                  msgexportd config show
                """)

        @OptionGroup var folder: DataOptions
        @OptionGroup var options: ServeOptions

        func run() throws {
            let settings: Settings
            do { settings = try folder.read(options.told) } catch let error as SettingsError {
                for problem in error.problems { complain(problem) }
                throw ExitCode.failure
            }
            let rows = Setting.all.map { setting in
                (
                    setting.key, (settings.effective(setting) ?? "").replacing("\n", with: ", "),
                    origin(settings.entry(setting)?.origin)
                )
            }
            let widths = (rows.map(\.0.count).max() ?? 0, rows.map(\.1.count).max() ?? 0)
            for (key, value, origin) in [("SETTING", "VALUE", "FROM")] + rows {
                print(padded(key, widths.0), padded(value, widths.1), origin, separator: "  ")
            }
        }

        private func origin(_ origin: Settings.Origin?) -> String {
            switch origin {
            case .option(let name), .environment(let name), .file(let name): name
            case .standard, nil: "default"
            }
        }

        private func padded(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
    }

    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Prints a configuration file with every setting, its unit, its limits and what holds without it.",
            discussion: """
                EXAMPLE
                  msgexportd config example >/etc/message-export/msgexportd.yaml
                """)

        func run() { print(ExampleFile.text, terminator: "") }
    }
}
