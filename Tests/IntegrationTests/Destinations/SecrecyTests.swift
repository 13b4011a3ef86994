import Foundation
import SystemPackage
import TestSupport
import Testing

extension StorageServerTests {
    /// Secrets and content are where they must be, and nowhere else.
    @Suite struct SecrecyTests {
        /// Where programs leave things, without being asked.
        private static let temporary = ["/tmp", "/var/tmp", "/dev/shm", "/root/.config", "/root/.cache/rclone"]

        @Test func `secrets are in no log, error, audit row, file, list of processes or temporary folder`() async throws {
            let servers = try StorageServers.shared()
            let key = servers.folder.appending("sftp/user_key")
            let keyLine = try #require(
                try String(contentsOfFile: key.string, encoding: .utf8).split(separator: "\n").dropFirst(2).first)
            let secrets = [StorageServers.secret, StorageServers.password, String(keyLine)]
            #expect(try await servers.rclone("mkdir", "D:secrecy").code == 0)
            try servers.makeFolder("secrecy")
            try await withTemporaryFolder { folder in
                let mode = folder.appending("mode")
                try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                try await TestServer.withFaults(mode: mode, to: servers.sftp.port) { (proxy) async throws in
                    let fixture = DaemonFixture(folder.appending("daemon"))
                    try FileManager.default.createDirectory(atPath: fixture.folder.string, withIntermediateDirectories: false)
                    let ended = try await fixture.withDaemon { (daemon) async throws in
                        try await tell(daemon, servers, proxy, key: key.string, mode: mode)
                    }
                    for secret in secrets {
                        for (place, text) in [("log", ended.log)] + ended.value {
                            #expect(!text.contains(secret), "a secret is in \(place)")
                        }
                    }
                    let found = try await files(with: secrets, in: [fixture.folder.string])
                    #expect(found == [], "secrets are in files")
                }
            }
            // Whatever was left behind, also by rclone.
            let left = try await files(with: secrets, in: Self.temporary)
            #expect(left.filter { !$0.hasPrefix(servers.folder.string) } == [])
            #expect(try await !files(with: secrets, in: [servers.folder.string]).isEmpty, "the search finds what is there")
        }

        /// Makes destinations, lets them fail and deliver.
        /// - Returns: everything that is told of it.
        private func tell(
            _ daemon: DaemonFixture.Running, _ servers: StorageServers, _ proxy: TestServer, key: String, mode: FilePath
        ) async throws -> [(String, String)] {
            try await createFlow(daemon, to: nil)
            try await daemon.done("organization", "approve", "host", "127.0.0.1")
            let kinds = [
                ("s3", servers.s3Options("secrecy")), ("password", try servers.sftpOptions("secrecy", port: proxy.port)),
                ("key", try servers.sftpOptions("secrecy", port: proxy.port, secret: "private_key=\(key)")),
            ]
            var told: [(String, String)] = []
            func note(_ arguments: [String]) async throws {
                let ended = try await daemon.command(arguments)
                told.append((arguments.joined(separator: " "), ended.output + ended.errors))
            }
            #expect(try await ingestSms(daemon, "text").code == 0)
            for (name, options) in kinds {
                try await note(["destination", "create", name] + options)
                try await note(["destination", "show", name])
                try await note(["destination", "show", name, "-o", "json"])
                let wrong = name == "s3" ? ["--bucket", "no-such-bucket"] : ["--path", "no-such-folder"]
                try await note(["destination", "edit", name] + wrong)
                try await note(["destination", "edit", name, "--skip-test"] + wrong)
                try await note(["dataflow", "create", name, "--destination", name, "--format", "json", "--manual"])
                try await note(["dataflow", "run", name, "--wait"])
                let right = name == "s3" ? ["--bucket", "secrecy"] : ["--path", "secrecy"]
                try await note(["destination", "edit", name] + right)
                try await note(["dataflow", "run", name, "--wait"])
                #expect(told.last?.1.contains("SUCCESS") == true, "\(told.last ?? ("", ""))")
            }
            // One that cannot go on, so that its processes can be looked at.
            try "hang 0".write(toFile: mode.string, atomically: true, encoding: .utf8)
            for name in ["password", "key"] {
                #expect(try await ingestSms(daemon, "text \(name)").code == 0)
                let run = try text(try await daemon.done("dataflow", "run", name, "-o", "json"), "id")
                var processes = ""
                try await wait(for: "a program that hangs") {
                    processes = try await Programs.run("/bin/ps", ["-eo", "args"]).output
                    return processes.contains("/rclone ls")
                }
                told.append(("the processes", processes))
                try await note(["run", "cancel", run])
            }
            for command in [
                ["run", "list"], ["audit", "list"], ["audit", "list", "--organization"], ["status"], ["destination", "list"],
            ] {
                try await note(command)
                try await note(command + ["-o", "json"])
            }
            #expect(told.contains { $0.1.contains("set, 20") }, "that they are set is told")
            return told
        }

        private func files(with texts: [String], in folders: [String]) async throws -> [String] {
            let patterns = texts.flatMap { ["-e", $0] }
            let found = try await Programs.run("/bin/grep", ["-rlaF", "--devices=skip"] + patterns + folders)
            return found.output.split(separator: "\n").map(String.init).sorted()
        }

        @Test(arguments: ["s3", "sftp"])
        func `the plain text of a message is in no file of this machine while it is exported`(_ kind: String) async throws {
            let servers = try StorageServers.shared()
            let marker = "PLAINTEXT-\(UUID().uuidString)"
            #expect(try await servers.rclone("mkdir", "D:plain").code == 0)
            try? servers.makeFolder("plain")
            try await withTemporaryFolder { folder in
                let fixture = DaemonFixture(folder)
                _ = try await fixture.withDaemon { (daemon) async throws in
                    try await createFlow(daemon, to: nil)
                    try await daemon.done("organization", "approve", "host", "127.0.0.1")
                    let options = kind == "s3" ? servers.s3Options("plain") : try servers.sftpOptions("plain")
                    try await daemon.done("destination", "create", "far", options: options)
                    try await daemon.done(
                        "dataflow", "create", "flow", "--destination", "far", "--format", "json", "--compression", "none",
                        "--manual")
                    for number in 0..<30 { #expect(try await ingestSms(daemon, "\(marker) \(number)").code == 0) }
                    let trace = try await traced(fixture) { (daemon) async throws in
                        try await daemon.done("dataflow", "run", "flow", "--wait")
                    } of: {
                        daemon
                    }
                    check(trace, marker, data: fixture.data.string)
                }
                let found = try await files(with: [marker], in: [fixture.data.string] + Self.temporary)
                // The servers themselves, and what the test has of it.
                #expect(found.filter { !$0.hasPrefix(servers.folder.string) } == [])
            }
        }

        /// Writes and opened files of the daemon, and of all that it starts meanwhile.
        private func traced(
            _ fixture: DaemonFixture, _ body: (DaemonFixture.Running) async throws -> Void, of daemon: () -> DaemonFixture.Running
        ) async throws -> [Substring] {
            let output = try StorageServers.shared().folder.appending("trace-\(UUID().uuidString)").string
            let listed = try await Programs.run("/usr/bin/pgrep", ["-f", "--", "msgexportd --data \(fixture.data)"])
            let pid = try #require(listed.output.split(separator: "\n").first)
            let calls =
                "trace=write,pwrite64,writev,pwritev,pwritev2,sendto,sendmsg,openat,open,creat,memfd_create,rename,renameat2"
            async let strace = Programs.run(
                "/usr/bin/strace", ["-f", "-yy", "-s", "4096", "-e", calls, "-o", output, "-p", String(pid)])
            let tasks = "/proc/\(pid)/task"
            func isTraced() -> Bool {
                ((try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []).allSatisfy { task in
                    let status = (try? String(contentsOfFile: "\(tasks)/\(task)/status", encoding: .utf8)) ?? ""
                    return !status.contains("TracerPid:\t0\n")
                }
            }
            try await wait(for: "the tracer", until: isTraced)
            try await body(daemon())
            let tracer = try await Programs.run("/usr/bin/pgrep", ["-f", "--", "strace -f -yy .* -p \(pid)"])
            for line in tracer.output.split(separator: "\n") { kill(pid_t(line) ?? 0, SIGINT) }
            _ = try await strace
            return try String(contentsOfFile: output, encoding: .utf8).split(separator: "\n")
        }

        private func check(_ trace: [Substring], _ marker: String, data: String) {
            let writes = trace.filter { $0.contains(marker) }
            #expect(writes.contains { $0.contains("<pipe:") }, "the trace shows what is written")
            // As in `write(7</path/of/a/file>, …`; pipes and sockets have no slash first.
            for line in writes { #expect(line.firstMatch(of: /(?:write\w*|send\w+)\(\d+<\//) == nil, "\(line.prefix(200))") }
            let opened = trace.compactMap { line -> String? in
                guard line.contains(/O_WRONLY|O_RDWR|O_CREAT|creat\(/), !line.contains(" = -1 ") else { return nil }
                return line.firstMatch(of: /= \d+<([^>]*)>/).map { String($0.1) }
            }
            let elsewhere = opened.filter { path in
                !path.hasPrefix(data) && !path.hasPrefix("/dev/null") && !path.hasPrefix("/dev/tty") && !path.hasPrefix("/proc/")
            }
            #expect(elsewhere == [], "files are opened for writing outside of the data folder")
        }
    }
}
