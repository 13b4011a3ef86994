import Foundation
import SystemPackage
import TestSupport
import Testing

/// `msgexport ingest email --mta` as the transport of a real Postfix, set up as its help says.
@Suite(.timeLimit(.minutes(10))) struct PostfixTests {
    private static let python: FilePath = "/usr/bin/python3"

    private func send(_ first: Int, _ count: Int, to server: TestServer) async throws {
        let script = Programs.repository.appending("Tests/IntegrationTests/Clients/smtp.py").string
        let ended = try await Programs.run(Self.python, [script, "\(server.port)", "\(first)", "\(count)"])
        try #require(ended.code == 0, "\(ended.errors)")
    }

    private func records(_ daemon: DaemonFixture.Running) async throws -> Int {
        try number(try await daemon.msgexport("dataset", "show", "-o", "json").output, "records")
    }

    /// The transport's command line, as the help of the command has it, for this daemon.
    private func transport(_ program: String, _ socket: String) async throws -> [String] {
        let help = try await Programs.run(Programs.client, ["ingest", "email", "--help"]).output
        let lines = try #require(help.split(separator: "argv=/usr/bin/msgexport ").last?.split(separator: "\n"))
        let words = lines.prefix { $0.contains("-") }.joined(separator: " ").split { $0.isWhitespace || $0 == "\\" }
        #expect(words.prefix(3).joined(separator: " ") == "ingest email --mta" && words.contains("--recipient=${recipient}"))
        let end = try #require(words.firstIndex(of: "-"))
        return [program] + words[...end].map(String.init) + ["--socket", socket]
    }

    @Test func `200 mails of which the daemon misses a part are all there, none twice`() async throws {
        try #require(geteuid() == 0, "Postfix has users of its own: root alone may give it some")
        try await withTemporaryFolder { folder in
            // Postfix runs it as a user who may not look everywhere.
            let program = folder.appending("msgexport").string
            try FileManager.default.copyItem(atPath: Programs.client.string, toPath: program)
            let fixture = DaemonFixture(folder)
            let root = Programs.repository.appending(".build/servers/postfix").string
            let arguments = [root, folder.appending("postfix").string] + (try await transport(program, fixture.socket))
            let options = ["--socket-mode", "0666"]
            try await TestServer.withScript("postfix.py", arguments) { (server) async throws in
                _ = try await fixture.withDaemon(options: options) { (daemon) async throws in
                    let created = try await daemon.msgexport(
                        "configuration", "create", "news", "--channel", "email", "--message-export", "on", "--submit")
                    #expect(created.code == 0)
                    #expect(try await daemon.msgexport("access", "grant", "sender", "--user", "64997").code == 0)
                    try await send(0, 70, to: server)
                    try await wait(for: "the first mails") { try await records(daemon) > 40 }
                }
                try await send(70, 60, to: server)
                let log = folder.appending("postfix/log").string
                try await wait(for: "a mail that waits") {
                    try String(contentsOfFile: log, encoding: .utf8).contains("status=deferred")
                }
                _ = try await fixture.withDaemon(options: options) { (daemon) async throws in
                    try await send(130, 70, to: server)
                    try await wait(for: "all mails") { try await records(daemon) == 200 }
                    let queue = folder.appending("postfix/queue").string
                    try await wait(for: "an empty queue") {
                        try ["incoming", "active", "deferred"].allSatisfy {
                            try delivered(in: FilePath("\(queue)/\($0)")).isEmpty
                        }
                    }
                    #expect(try await records(daemon) == 200)
                    for number in [0, 69, 70, 129, 130, 199] {
                        let found = try await daemon.msgexport(
                            "dataset", "query", "--recipient", "to-\(number)@example.com", "-o", "json")
                        let lines = found.output.split(separator: "\n")
                        #expect(lines.count == 1 && lines[0].contains("Number \(number)"), "\(found.output)")
                    }
                    let bounced = try String(contentsOfFile: log, encoding: .utf8).contains("status=bounced")
                    #expect(!bounced)
                }
            }
        }
    }

    @Test func `a mail server is told to wait, unless the mail itself is what is wrong`() async throws {
        try await withTemporaryFolder { folder in
            let socket = folder.appending("s").string
            @Sendable func code(_ arguments: String..., mail: String = "From: a@example.com\n\nHi.\n") async throws -> Int32 {
                let ended = try await Programs.run(
                    Programs.client, ["ingest", "email", "--mta"] + arguments + ["--socket", socket, "-"], input: mail)
                #expect(ended.output == "" && (ended.code == 0) == ended.errors.isEmpty, "\(ended)")
                return ended.code
            }
            #expect(try await code("--configuration", "mail") == 75, "there is no daemon")
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await code("--configuration", "mail", "--recipient=b@example.com") == 0)
                #expect(try await code("--configuration", "mail", "--sender=MAILER-DAEMON") == 0)
                #expect(try await code("--configuration", "mail", "--sender=bounce@example.com", "--message-id", "m") == 0)
                #expect(try await daemon.msgexport("dataset", "get", "m", "-o", "json").output.contains("bounce@example.com"))
                #expect(try await code("--configuration", "mail", mail: "no mail at all") == 65)
                #expect(try await code("--configuration", "mail", mail: "") == 65)
                #expect(try await code("--configuration", "sms") == 75, "the server's settings are mended")
                #expect(try await code("--configuration", "") == 75)
                #expect(
                    try await code("--configuration", "mail", "--message-id", "m", mail: "From: b@example.com\n\nOther.\n") == 75)
                #expect(try await code("--configuration", "mail", "--message-id", String(repeating: "m", count: 300)) == 75)
                let first = try await Programs.run(
                    Programs.client,
                    ["--socket", socket + "-nowhere", "ingest", "email", "--mta", "--configuration", "mail", "-"],
                    input: "From: a@example.com\n\nHi.\n")
                #expect(first.code == 75, "options may stand before the command")
                #expect(try await code("--configuration", "nope") == 75, "an administrator makes it")
                #expect(try await code("--configuration", "mail", "--sandbox", "nope") == 75, "an administrator grants it")
                #expect(try await code("--configuration", "mail", "--no-such-option") == 75, "the server's settings are mended")
                #expect(try await code() == 75)
            }
        }
    }
}
