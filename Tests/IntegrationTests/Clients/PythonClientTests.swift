import Foundation
import SystemPackage
import TestSupport
import Testing

/// The Python client, as it is installed, against the built daemon.
@Suite(.timeLimit(.minutes(10))) struct PythonClientTests {
    private static let python = Programs.repository.appending(".build/clients/python/bin/python")
    private static let scripts = Programs.repository.appending("Tests/IntegrationTests/Clients")

    private func run(_ script: String, _ arguments: String...) async throws -> Programs.Ended {
        try await Programs.run(
            Self.python, ["-W", "error::DeprecationWarning", Self.scripts.appending(script).string] + arguments)
    }

    @Test func `it does what it promises, blocking and with asyncio, and tells what is wrong`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let ended = try await run("python_client.py", daemon.socket, folder.string)
                let source = try String(contentsOfFile: Self.scripts.appending("python_client.py").string, encoding: .utf8)
                let scenes = try #require(source.split(separator: "\nfor scene in (").last).split(separator: "):")[0]
                    .split { $0.isWhitespace || $0 == "," }
                #expect(ended.code == 0 && ended.output.split(separator: "\n") == scenes, "\(ended.output) \(ended.errors)")
                #expect(scenes.count == 15)
            }
        }
    }

    @Test(arguments: ["one", "many"])
    func `through restarts of the daemon every message is there once`(_ kind: String) async throws {
        let isFull = ProcessInfo.processInfo.environment["RESTARTS"] == "1"
        let (count, restarts) = isFull ? (100_000, 20) : kind == "many" ? (5000, 6) : (1000, 4)
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { try await createFlow($0, to: nil) }
            let client = [Self.python, Self.scripts.appending("python_bulk.py")].map(\.string)
            let ended = try await Programs.run(
                Self.python,
                [Self.scripts.appending("restarts.py").string, "\(count)", "\(restarts)", Programs.daemon.string]
                    + fixture.arguments + ["--"] + client + [fixture.socket, "\(count)", kind])
            #expect(ended.output == "client 0, \(restarts) restarts\n", "\(ended.output) \(ended.errors)")
            _ = try await fixture.withDaemon { daemon in
                let shown = try await daemon.msgexport("dataset", "show", "-o", "json").output
                #expect(try number(shown, "records") == count, "\(shown)")
            }
        }
    }

    @Test func `the examples of its README work`() async throws {
        let readme = try String(
            contentsOfFile: Programs.repository.appending("Clients/Python/README.md").string, encoding: .utf8)
        let examples = readme.components(separatedBy: "```python\n").dropFirst().compactMap {
            $0.components(separatedBy: "```").first
        }
        #expect(examples.count >= 3)
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                for (name, channel) in [("newsletter", "email"), ("reminders", "sms")] {
                    let created = try await daemon.msgexport(
                        "configuration", "create", name, "--channel", channel, "--message-export", "on", "--submit")
                    #expect(created.code == 0)
                }
                for example in examples {
                    let ended = try await Programs.run(
                        "/usr/bin/env", ["MESSAGE_EXPORT_SOCKET=\(daemon.socket)", Self.python.string, "-c", example])
                    #expect(ended.code == 0, "\(example): \(ended.output) \(ended.errors)")
                }
                let shown = try await daemon.msgexport("dataset", "show", "-o", "json").output
                #expect(try number(shown, "records") >= examples.count)
            }
        }
    }
}
