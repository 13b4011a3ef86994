import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// The daemon as a service: what it is told, and what it tells those who run it.
@Suite(.timeLimit(.minutes(5))) struct ServiceTests {
    private static let scripts = Programs.repository.appending("Tests/IntegrationTests/Operation")

    @Test
    func
        `run by systemd it takes its sockets and its credential, tells that it is ready, alive and stopping, and no sender notices a restart`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let ended = try await Programs.run(
                "/usr/bin/python3",
                [Self.scripts.appending("systemd.py"), Programs.daemon, Programs.client, folder].map(\.string))
            #expect(ended.code == 0, "\(ended.errors)")
            let lines = ["an open key is refused", "ready", "alive", "confined", "stopped", "nobody noticed"]
            #expect(ended.output.split(separator: "\n").map(String.init) == lines)
        }
    }

    private func write(_ text: String, to path: FilePath) throws {
        try text.write(toFile: path.string, atomically: true, encoding: .utf8)
    }

    @Test func `a reload takes up what can change, names what waits for a restart, and keeps what holds where the new is wrong`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let file = folder.appending("c.yaml")
            try write("log: {level: info}\ndelivery: {timeout: 60}\n", to: file)
            let ended = try await DaemonFixture(folder).withDaemon(options: ["--config", file.string]) { daemon in
                func reload(_ text: String, until happened: @Sendable (String) -> Bool) async throws {
                    try write(text, to: file)
                    try daemon.reload()
                    try await wait(for: "the reload of \(text)") {
                        happened(try await daemon.msgexport("audit", "list", "--organization", "-o", "json").output)
                    }
                }
                try await reload("log: {level: debug}\ndelivery: {timeout: 90}\nsocket: {mode: 0600}\n") {
                    $0.contains("changed: delivery.timeout, log.level")
                }
                try write("log: {levle: error}\n", to: file)
                try daemon.reload()
                try await wait(for: "the error") {
                    try await daemon.msgexport("metrics").output.contains("\nmsgexport_log_lines_total{level=\"error\"} 1\n")
                }
                try await reload("log: {level: notice}\ndelivery: {timeout: 90}\n") { $0.contains("changed: log.level") }
            }
            #expect(ended.code == 0)
            #expect(ended.log.contains("settings are read again changed=\"delivery.timeout, log.level\""), "\(ended.log)")
            #expect(ended.log.contains("restart for it setting=socket.mode"), "\(ended.log)")
            #expect(!ended.log.contains("PATH"), "\(ended.log)")
            #expect(
                ended.log.contains("those that held still do") && ended.log.contains("did you mean log.level?"), "\(ended.log)")
        }
    }

    @Test func `config tells all that is wrong, what holds and who said so, and an example that can be used as it is`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let file = folder.appending("c.yaml")
            func config(_ arguments: String...) async throws -> Programs.Ended {
                try await Programs.run(
                    "/usr/bin/env", ["MSGEXPORTD_SOCKET_MODE=0600", Programs.daemon.string, "config"] + arguments)
            }
            let example = try await config("example")
            #expect(example.code == 0)
            try write(example.output, to: file)
            let good = try await config("check", "--config", file.string)
            #expect(good.code == 0 && good.output.contains("all is good"), "\(good.errors)")
            try write(
                "socket:\n  mode: 0666\n  group: no-such-group\nlog: {level: loud}\nalerts: {command: /nowhere}\n", to: file)
            let bad = try await config("check", "--config", file.string)
            #expect(bad.code == 1 && bad.errors.contains("log.level must be one of debug"), "\(bad.errors)")
            try write("socket:\n  mode: 0666\n  group: no-such-group\nalerts: {command: /nowhere}\n", to: file)
            let worse = try await config("check", "--config", file.string)
            #expect(worse.code == 1 && worse.errors.contains("there is no group no-such-group"), "\(worse.errors)")
            #expect(worse.errors.contains("alerts.command /nowhere is no program"), "\(worse.errors)")
            try write("socket:\n  mode: 0666\n", to: file)
            let shown = try await config("show", "--config", file.string, "--log-level", "error").output
            for (setting, value, origin) in [
                ("socket.mode", "0600", "MSGEXPORTD_SOCKET_MODE"), ("log.level", "error", "--log-level"),
                ("log.format", "text", "default"), ("delivery.timeout", "60", "default"),
            ] {
                let words = shown.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(words.contains([setting, value, origin]), "\(setting) in \(shown)")
            }
            let missing = try await config("check", "--config", folder.appending("none").string)
            #expect(missing.code == 1 && missing.errors.contains("cannot be read"), "\(missing.errors)")
        }
    }

    @Test func `each event is one line of the log, for people, for journald and as JSON`() async throws {
        for (options, isGood) in [
            (["--log-format", "json"], { (line: String) in line.hasPrefix("{\"time\":\"") && line.hasSuffix("}") }),
            (
                [],
                { (line: String) in
                    line.contains("Z notice ") || line.contains("Z warning ") || line.contains("Z info ")
                        || line.contains("Z debug ")
                }
            ),
        ] as [([String], (String) -> Bool)] {
            try await withTemporaryFolder { folder in
                let fixture = DaemonFixture(folder)
                // The fixture itself reads the text.
                let ended = try await Programs.run(
                    "/usr/bin/timeout",
                    ["--preserve-status", "2", Programs.daemon.string] + fixture.arguments + options + ["--log-level", "debug"])
                let lines = ended.errors.split(separator: "\n").map(String.init)
                #expect(lines.count >= 3 && lines.allSatisfy(isGood), "\(ended.errors)")
                #expect(!ended.errors.contains("PATH"), "what surrounds it is not the log's")
            }
        }
    }

    @Test
    func
        `metrics are OpenMetrics, on a socket for the daemon's user alone and where the settings say, and name sandboxes by choice`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let port = try freePort()
            let socket = folder.appending("s-metrics.sock").string
            let file = folder.appending("c.yaml")
            try write("metrics: {sandboxes: false}\n", to: file)
            let options = ["--config", file.string, "--metrics-listen", "127.0.0.1:\(port)"]
            _ = try await DaemonFixture(folder).withDaemon(options: options) { daemon in
                func get(_ path: String, at place: String, method: String = "GET") async throws -> String {
                    let script = Self.scripts.appending("http_get.py").string
                    return try await Programs.run("/usr/bin/python3", [script, method, place, path]).output
                }
                try await createFlow(daemon, to: nil)
                #expect(
                    try FileManager.default.attributesOfItem(atPath: socket)[.posixPermissions] as? Int == 0o600)
                for _ in 0..<2 {
                    let sent = try await daemon.msgexport(
                        "ingest", "sms", "--configuration", "sms", "--from", "1", "--to", "2", "--message-id", "m", "secret text")
                    #expect(sent.code == 0)
                }
                _ = try await daemon.msgexport("ingest", "sms", "--configuration", "no", "--from", "1", "--to", "2", "x")
                let text = try await get("/metrics", at: socket)
                #expect(text.hasPrefix("200 application/openmetrics-text; version=1.0.0; charset=utf-8\n"))
                #expect(text.hasSuffix("\n# EOF\n"))
                for line in [
                    "msgexport_ingest_messages_total{answer=\"STORED\"} 1",
                    "msgexport_ingest_messages_total{answer=\"DUPLICATE\"} 1",
                    "msgexport_ingest_messages_total{answer=\"NOT_FOUND\"} 1", "msgexport_ingest_seconds_count 3",
                    "msgexport_batch_records_count 1", "msgexport_batch_records_sum 1", "msgexport_sync_seconds_count 1",
                    "msgexport_dataset_records 1", "msgexport_dataset_segments 1", "msgexport_healthy 1",
                    "msgexport_clock_doubted 0",
                    "msgexport_alerts{alert=\"AT_RISK\"} 0", "msgexport_build_info{version=\"\(productVersion)\"} 1",
                ] {
                    #expect(text.contains("\n\(line)\n"), "\(line) in \(text)")
                }
                #expect(!text.contains("secret") && !text.contains("prod"), "no content, and no names unless they are wanted")
                #expect(try await get("/metrics", at: "127.0.0.1:\(port)").contains("\nmsgexport_healthy 1\n"))
                #expect(try await get("/health", at: socket) == "200 text/plain; charset=utf-8\nSERVING\n")
                #expect(try await get("/", at: socket).hasPrefix("404 "))
                #expect(try await get("/metrics", at: socket, method: "POST").hasPrefix("405 "))
                #expect(try await get("/metrics", at: socket, method: "HEAD").split(separator: "\n").count == 1)
                #expect(try await daemon.msgexport("metrics").output.contains("\nmsgexport_healthy 1\n"))
                try write("metrics: {sandboxes: true}\n", to: file)
                try daemon.reload()
                try await wait(for: "names") {
                    try await get("/metrics", at: socket).contains(
                        "\nmsgexport_ingest_messages_total{answer=\"STORED\",sandbox=\"prod\"} 1\n")
                }
            }
            #expect(!FileManager.default.fileExists(atPath: socket))
        }
    }

    @Test func `who connects to metrics and says nothing takes a bounded share of the descriptors`() async throws {
        try await withTemporaryFolder { folder in
            let port = try freePort()
            _ = try await DaemonFixture(folder).withDaemon(options: ["--metrics-listen", "127.0.0.1:\(port)"]) { daemon in
                func descriptors() async throws -> Int {
                    let text = try await daemon.msgexport("metrics").output
                    return try #require(text.firstMatch(of: #/process_open_fds (\d+)/#).flatMap { Int($0.1) })
                }
                let before = try await descriptors()
                let script =
                    "import socket, sys; held = [socket.create_connection(('127.0.0.1', \(port))) for _ in range(100)]; print(1, flush=True); sys.stdin.read()"
                let held = Process()
                let (input, output) = (Pipe(), Pipe())
                held.executableURL = URL(filePath: "/usr/bin/python3")
                (held.arguments, held.standardInput, held.standardOutput) = (["-c", script], input, output)
                try held.run()
                _ = try output.fileHandleForReading.read(upToCount: 1)
                // As many are answered as may be, as many more wait for that, and the rest in the kernel.
                for _ in 0..<5 { #expect(try await descriptors() <= before + 3 * Limits.metricsConnections) }
                try input.fileHandleForWriting.close()
                held.waitUntilExit()
            }
        }
    }

    /// A port that nobody listened on a moment ago.
    private func freePort() throws -> Int {
        let descriptor = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> UInt16? in
                guard bind(descriptor, address, size) == 0, getsockname(descriptor, address, &size) == 0 else { return nil }
                return 0
            }
        }
        _ = try #require(port)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
