import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport
import Testing

extension StorageServerTests {
    /// What goes wrong at a destination: the reason is named in one line, nothing is lost, nothing half is listed, no secret is told.
    @Suite struct FailingDestinationTests {
        /// A daemon with a dataflow that runs when it is asked, and twelve records of two megabytes that hardly compress: 19 MB, in two parts to a store.
        private func withFlow(
            _ options: [String], daemonOptions: [String] = ["--delivery-timeout", "3"], untested: Bool = true,
            secrets: [String: String] = [:], _ body: @Sendable (DaemonFixture.Running) async throws -> Void
        ) async throws {
            try await withTemporaryFolder { folder in
                let ended = try await DaemonFixture(folder).withDaemon(options: daemonOptions) { (daemon) async throws in
                    try await createFlow(daemon, to: nil)
                    for host in ["127.0.0.1", "*.invalid.example"] {
                        try await daemon.done("organization", "approve", "host", host)
                    }
                    try await daemon.done(
                        "destination", "create", "far", options: options + (untested ? ["--skip-test"] : []), secrets: secrets)
                    try await daemon.done("dataflow", "create", "flow", "--destination", "far", "--format", "json", "--manual")
                    try await ingestNoise(daemon)
                    try await body(daemon)
                }
                for secret in [StorageServers.secret, StorageServers.password] { #expect(!ended.log.contains(secret)) }
            }
        }

        private func ingestNoise(_ daemon: DaemonFixture.Running) async throws {
            let client = try await MessageExportClient.connect(socket: daemon.socket)
            let random = try #require(FileHandle(forReadingAtPath: "/dev/urandom"))
            for number in 0..<12 {
                let text = try #require(try random.read(upToCount: 3 << 19)).base64EncodedString()
                let message = Message(
                    id: try MessageID("n\(number)"), configuration: "mail",
                    content: .email(Email(from: .init(email: "a@example.com"), to: [.init(email: "b@example.com")], html: text)))
                #expect(try await client.ingest(message).outcome == .stored)
            }
            await client.close()
        }

        /// A run that somebody asks for, which fails.
        /// - Returns: its error.
        private func failure(_ daemon: DaemonFixture.Running) async throws -> String {
            let ended = try await daemon.command(["dataflow", "run", "flow", "--wait", "-o", "json"])
            #expect(ended.code == 1, "\(ended.output) \(ended.errors)")
            let error = try text(ended.output, "error")
            #expect(!error.contains("\n") && error.count < 500, "\(error)")
            for secret in [StorageServers.secret, StorageServers.password] {
                #expect(!(ended.output + ended.errors).contains(secret), "\(error)")
            }
            return error
        }

        /// The run is taken up again, and does well: all records, each once.
        private func recover(_ daemon: DaemonFixture.Running) async throws {
            let run = try await daemon.done("run", "list", "--dataflow", "flow", "-o", "json")
            let id = try #require(try JSONSerialization.jsonObject(with: Data(run.utf8)) as? [[String: Any]])[0]["id"] as? String
            try await daemon.done("run", "retry", try #require(id), "--wait")
        }

        private func keys(_ bucket: String) async throws -> [String] {
            let listed = try await StorageServers.shared().rclone("lsf", "-R", "--files-only", "D:\(bucket)")
            return listed.output.split(separator: "\n").map(String.init).sorted()
        }

        private func makeBucket(_ name: String) async throws {
            let made = try await StorageServers.shared().rclone("mkdir", "D:\(name)")
            try #require(made.code == 0, "\(made.errors)")
        }

        @Test func `a wrong secret is refused when it is given, and where it becomes wrong the reason is told`() async throws {
            let servers = try StorageServers.shared()
            try await makeBucket("wrong-secret")
            try servers.makeFolder("wrong-secret")
            let wrong = ["WRONG": "n0t-the-secret"]
            let places = [
                servers.s3Options("wrong-secret", secret: "WRONG"),
                try servers.sftpOptions("wrong-secret", secret: "password=env:WRONG"),
            ]
            for options in places {
                try await withFlow(options, secrets: wrong) { (daemon) async throws in
                    let refused = try await daemon.command(["destination", "create", "other"] + options, secrets: wrong)
                    #expect(refused.code == 6 && refused.errors.contains("credentials refused"), "\(refused.errors)")
                    #expect(!refused.errors.contains("n0t-the-secret"))
                    #expect(try await failure(daemon).hasPrefix("the destination failed: credentials refused: "))
                    let right = options.contains("s3") ? "secret_access_key=env:S3_SECRET" : "password=env:SFTP_PASSWORD"
                    try await daemon.done("destination", "edit", "far", "--secret", right)
                    try await recover(daemon)
                }
            }
            #expect(try await keys("wrong-secret").count == 2)
        }

        @Test func `a bucket or folder that is gone is named, and never made`() async throws {
            let servers = try StorageServers.shared()
            for options in [
                servers.s3Options("no-such-bucket"), servers.swiftOptions("no-such-bucket"),
                try servers.sftpOptions("no-such-folder"),
            ] {
                try await withFlow(options) { (daemon) async throws in
                    #expect(try await failure(daemon).contains("no such bucket or folder"))
                }
            }
            #expect(try await servers.rclone("lsd", "D:").output.contains("no-such-bucket") == false)
            #expect(!FileManager.default.fileExists(atPath: servers.home.appending("no-such-folder").string))
        }

        @Test func `who cannot be reached is not waited for`() async throws {
            let servers = try StorageServers.shared()
            // Nobody listens on port 9 here; and there is no such name.
            var unknown = try servers.sftpOptions("x")
            unknown[3] = "sftp.invalid.example"
            for options in [servers.s3Options("some-bucket", port: 9), try servers.sftpOptions("x", port: 9), unknown] {
                try await withFlow(options) { (daemon) async throws in
                    let error = try await failure(daemon)
                    #expect(error.contains("not reachable"), "\(error)")
                }
            }
        }

        @Test func `a server with another host key is not delivered to`() async throws {
            let servers = try StorageServers.shared()
            try servers.makeFolder("pinned")
            try await withFlow(try servers.sftpOptions("pinned"), untested: false) { (daemon) async throws in
                try await TestServer.withSFTP(servers.folder.appending("impostor"), password: StorageServers.password) {
                    impostor in
                    try await daemon.done("destination", "edit", "far", "--port", "\(impostor.port)", "--skip-test")
                    #expect(try await failure(daemon).contains("host key not the one that is pinned"))
                    let reached = servers.folder.appending("impostor/log").string
                    #expect(try !String(contentsOfFile: reached, encoding: .utf8).contains("Accepted"), "no password was sent")
                }
                try await daemon.done("destination", "edit", "far", "--port", "\(servers.sftp.port)")
                try await recover(daemon)
            }
        }

        @Test func `a server that hangs, or closes near the end, fails the attempt in time and lists nothing half`() async throws
        {
            let servers = try StorageServers.shared()
            try await withTemporaryFolder { folder in
                let mode = folder.appending("mode")
                @Sendable func set(_ text: String) throws {
                    try text.write(toFile: mode.string, atomically: true, encoding: .utf8)
                }
                try await makeBucket("faults")
                try servers.makeFolder("faults")
                for (port, isS3) in [(servers.s3.port, true), (servers.sftp.port, false)] {
                    try set("pass")
                    try await TestServer.withFaults(mode: mode, to: port) { (proxy) async throws in
                        let options =
                            isS3
                            ? servers.s3Options("faults", port: proxy.port) : try servers.sftpOptions("faults", port: proxy.port)
                        try await withFlow(options) { (daemon) async throws in
                            try set("hang 1048576")
                            let hung = try await failure(daemon)
                            #expect(hung.contains("timeout") || hung.contains("not reachable"), "\(hung)")
                            try set(isS3 ? "close 16000000" : "close 18800000")
                            let closed = try await failure(daemon)
                            #expect(closed.contains("not reachable") || closed.contains("not stored as it was sent"), "\(closed)")
                            try set("pass")
                            let listed =
                                isS3
                                ? try await keys("faults")
                                : try delivered(in: servers.home.appending("faults")).filter { !$0.hasSuffix(".unfinished") }
                            #expect(listed == [], "\(listed)")
                            try await recover(daemon)
                        }
                    }
                }
                #expect(try await keys("faults").count == 2)
                let files = try delivered(in: servers.home.appending("faults"))
                #expect(files.count == 2, "\(files)")
            }
        }

        @Test func `what a store answers is told as one of the known reasons`() async throws {
            let servers = try StorageServers.shared()
            let answers = [
                ("503 SlowDown", "busy"), ("429 TooManyRequests", "busy"), ("507 InsufficientStorage", "no space left"),
                ("403 AccessDenied", "permission denied"), ("403 RequestTimeTooSkewed", "clocks differ"),
                ("403 InvalidAccessKeyId", "credentials refused"), ("400 ExpiredToken", "credentials refused"),
            ]
            try await withTemporaryFolder { folder in
                let mode = folder.appending("mode")
                try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                try await TestServer.withFaults(mode: mode, to: servers.s3.port) { (proxy) async throws in
                    try await makeBucket("answers")
                    // rclone tries again what may pass, with pauses of its own.
                    try await withFlow(
                        servers.s3Options("answers", port: proxy.port), daemonOptions: ["--delivery-timeout", "60"]
                    ) { (daemon) async throws in
                        for (answer, reason) in answers {
                            try "answer \(answer)".write(toFile: mode.string, atomically: true, encoding: .utf8)
                            let error = try await failure(daemon)
                            #expect(error.contains(reason), "\(answer): \(error)")
                        }
                        try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                        try await recover(daemon)
                    }
                }
            }
            #expect(try await keys("answers").count == 2)
        }

        @Test func `a store that answers 503 for long is tried again while the records live, and nothing is lost`() async throws {
            let servers = try StorageServers.shared()
            try await withTemporaryFolder { folder in
                let mode = folder.appending("mode")
                try "answer 503 SlowDown".write(toFile: mode.string, atomically: true, encoding: .utf8)
                try await TestServer.withFaults(mode: mode, to: servers.s3.port) { (proxy) async throws in
                    try await makeBucket("unavailable")
                    let options = servers.s3Options("unavailable", port: proxy.port)
                    try await withFlow(options, daemonOptions: ["--delivery-timeout", "60"]) { (daemon) async throws in
                        try await daemon.done("dataflow", "create", "due", "--destination", "far", "--format", "json", "--once")
                        let waiting = try await daemon.scheduledRun(of: "due")
                        #expect(waiting.state == .processing && waiting.nextAttemptAt != nil && waiting.attempts == 1)
                        #expect(waiting.error?.contains("busy") == true, "\(waiting)")
                        try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                        try await daemon.done("run", "retry", waiting.id, "--wait")
                    }
                }
            }
            #expect(try await keys("unavailable").count == 2)
        }

        @Test func `a server that is full is told of, and nothing half is left by its name`() async throws {
            let servers = try StorageServers.shared()
            // A file system of two megabytes.
            try await withFlow(try servers.sftpOptions("small")) { (daemon) async throws in
                let error = try await failure(daemon)
                #expect(error.contains("does not say why") && error.contains("no space left"), "\(error)")
            }
        }

        @Test func `a folder that may not be written to is told of`() async throws {
            let servers = try StorageServers.shared()
            try servers.makeFolder("read-only")
            chmod(servers.home.appending("read-only").string, 0o555)
            try await withFlow(try servers.sftpOptions("read-only")) { (daemon) async throws in
                #expect(try await failure(daemon).contains("permission denied"))
                let tested = try await daemon.command(["destination", "test", "far"])
                #expect(tested.code == 6 && tested.output.contains("WRITE") && tested.output.contains("permission denied"))
            }
        }

        @Test func `an rclone that is missing, too old, floods its errors or lies is told of`() async throws {
            let servers = try StorageServers.shared()
            try await makeBucket("programs")
            try await withTemporaryFolder { folder in
                func program(_ name: String, _ script: String) throws -> String {
                    let path = folder.appending(name).string
                    try "#!/bin/sh\n\(script)\n".write(toFile: path, atomically: true, encoding: .utf8)
                    chmod(path, 0o755)
                    return path
                }
                let flood = #"yes "2026/11/27 02:02:36 ERROR : no end of it" | head -c 50000000 >&2; exit 1"#
                let programs = [
                    ("/nowhere/rclone", "cannot be run at /nowhere/rclone"),
                    (try program("old", "echo rclone v1.53.0"), "rclone 1.53 is too old: 1.60 is needed"),
                    (try program("other", "echo something else"), "is no rclone"),
                    (try program("flood", "case $1 in version) exec rclone version;; *) \(flood);; esac"), "no end of it"),
                    (
                        try program(
                            "lies",
                            "case $1 in lsjson) rclone \"$@\" | sed 's/\"Size\": [0-9][0-9]*/\"Size\": 7/';; *) exec rclone \"$@\";; esac"
                        ),
                        "not stored as it was sent"
                    ),
                    (
                        try program(
                            "alters",
                            "case $1 in lsjson) rclone \"$@\" | sed 's/\"md5\": \"[0-9a-f]*/\"md5\": \"00/';; *) exec rclone \"$@\";; esac"
                        ),
                        "not stored as it was sent"
                    ),
                    (try program("dies", "case $1 in rcat) kill -9 $$;; *) exec rclone \"$@\";; esac"), "ended by signal 9"),
                ]
                for (path, reason) in programs {
                    try await withFlow(
                        servers.s3Options("programs"), daemonOptions: ["--delivery-timeout", "5", "--rclone", path]
                    ) { (daemon) async throws in
                        let error = try await failure(daemon)
                        #expect(error.contains(reason), "\(path): \(error)")
                    }
                }
            }
            #expect(try await keys("programs") == [])
        }

        @Test func `a daemon killed in the middle of an upload leaves no object and no process, and the next one delivers all`()
            async throws
        {
            let servers = try StorageServers.shared()
            try await makeBucket("killed")
            try await withTemporaryFolder { folder in
                let (fixture, mode) = (DaemonFixture(folder), folder.appending("mode"))
                try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                try await TestServer.withFaults(mode: mode, to: servers.s3.port) { (proxy) async throws in
                    let killed = try await fixture.withDaemon { (daemon) async throws in
                        try await createFlow(daemon, to: nil)
                        try await daemon.done("organization", "approve", "host", "127.0.0.1")
                        try await daemon.done(
                            "destination", "create", "far", options: servers.s3Options("killed", port: proxy.port))
                        try await ingestNoise(daemon)
                        try "hang 1048576".write(toFile: mode.string, atomically: true, encoding: .utf8)
                        try await daemon.done("dataflow", "create", "flow", "--destination", "far", "--format", "json", "--once")
                        try await wait(for: "an upload") { try await !processes("rcat D:killed").isEmpty }
                        try daemon.kill()
                    }
                    #expect(killed.code == 128 + 9)
                    try await wait(for: "the end of its processes") { try await processes("D:killed").isEmpty }
                    #expect(try await keys("killed") == [])
                    try "pass".write(toFile: mode.string, atomically: true, encoding: .utf8)
                    _ = try await fixture.withDaemon { (daemon) async throws in
                        let run = try await daemon.scheduledRun(of: "flow")
                        #expect(run.state == .success && run.totals.exported == 12, "\(run)")
                    }
                }
            }
            #expect(try await keys("killed").count == 2)
        }

        @Test func `a run that waits for a server that hangs is cancelled at once, and so is a daemon that stops`() async throws {
            let servers = try StorageServers.shared()
            try servers.makeFolder("cancelled")
            try await withTemporaryFolder { folder in
                let mode = folder.appending("mode")
                try "hang 1048576".write(toFile: mode.string, atomically: true, encoding: .utf8)
                try await TestServer.withFaults(mode: mode, to: servers.sftp.port) { (proxy) async throws in
                    let options = try servers.sftpOptions("cancelled", port: proxy.port)
                    try await withFlow(options, daemonOptions: ["--delivery-timeout", "3600"]) { (daemon) async throws in
                        let run = try text(try await daemon.done("dataflow", "run", "flow", "-o", "json"), "id")
                        try await wait(for: "a program") { try await !processes("D:cancelled").isEmpty }
                        let cancelled = try await daemon.done("run", "cancel", run, "-o", "json")
                        #expect(try text(cancelled, "state") == "CANCELLED")
                        _ = try await daemon.done("dataflow", "run", "flow", "-o", "json")
                        try await wait(for: "a program") { try await !processes("D:cancelled").isEmpty }
                        // It is told to stop now, and this test would wait for an hour.
                    }
                }
            }
        }

        /// Command lines of processes that have a text in them.
        private func processes(_ text: String) async throws -> [String] {
            let listed = try await Programs.run("/bin/ps", ["-eo", "args"])
            return listed.output.split(separator: "\n").filter { $0.contains(text) }.map(String.init)
        }
    }
}
