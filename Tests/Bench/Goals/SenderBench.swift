import Foundation
import Glibc
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// What handing one message over costs who sends it, by each client, beside what others make their senders pay: SMTP to Postfix, which
/// writes it to its queue, and a PUT to an S3 server. One after the other, on one connection, 2 KiB of text.
enum SenderBench {
    private static let messages = 1000
    private static let rounds = 5
    private static let secret = "bench-secret"

    private struct Sender: Sendable {
        let name: String
        let command: [String]
    }

    /// Microseconds a message: median, 99th percentile, all of it, CPU.
    private typealias Costs = [[Int]]

    static func run(_ programs: FilePath) async throws {
        guard geteuid() == 0 else { throw Status(.failedPrecondition, "the mail server of this bench needs root") }
        try await withTemporaryFolder { folder in
            try await TestServer.withS3(folder.appending("s3"), secret: secret) { s3 in
                let postfix = [
                    Programs.repository.appending(".build/servers/postfix").string, folder.appending("postfix").string,
                    "/bin/true",
                ]
                try await TestServer.withScript("postfix.py", postfix) { smtp in
                    try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                        let client = try await BenchDaemon.connect(daemon.socket)
                        _ = try await client.createConfiguration(
                            name: "news", channel: .email, settings: ConfigurationSettings(messageExport: true), submit: true)
                        await client.close()
                        try await makeBucket(s3)
                        try await compare(senders(programs, daemon.socket, smtp: smtp.port, s3: s3.port))
                    }
                }
            }
        }
    }

    private static func senders(_ programs: FilePath, _ socket: String, smtp: Int, s3: Int) -> [Sender] {
        let script = Programs.repository.appending("Tests/Bench/Peers/sender_cost.py").string
        let python = [Programs.repository.appending(".build/clients/python/bin/python").string, script]
        return [
            Sender(name: "Swift, SMS", command: [programs.appending("Bench").string, "cost", socket]),
            Sender(name: "C, SMS", command: [Programs.repository.appending(".build/c/cost").string, socket]),
            Sender(name: "Python, mail", command: python + ["ingest", socket]),
            Sender(name: "  SMTP to Postfix, by Python", command: python + ["smtp", "\(smtp)"]),
            Sender(name: "  PUT to S3, by Python", command: python + ["s3", "\(s3)"]),
        ]
    }

    private static func makeBucket(_ s3: TestServer) async throws {
        let variables = [
            "TYPE=s3", "PROVIDER=Other", "ENDPOINT=http://127.0.0.1:\(s3.port)", "ACCESS_KEY_ID=exporter:exporter",
            "REGION=us-east-1", "SECRET_ACCESS_KEY=\(secret)", "FORCE_PATH_STYLE=true",
        ].map { "RCLONE_CONFIG_D_\($0)" }
        let made = try await Programs.run(
            "/usr/bin/env", ["-i", "PATH=/usr/bin:/bin"] + variables + ["rclone", "--config", "", "mkdir", "D:exports"])
        guard made.code == 0 else { throw Status(.internal, made.errors) }
    }

    private static func compare(_ senders: [Sender]) async throws {
        var costs: [String: Costs] = [:]
        for _ in 0..<rounds {
            for sender in senders {
                let ended = try await Programs.run(
                    "/usr/bin/env", ["S3_SECRET=\(secret)"] + sender.command + ["\(messages)"])
                let figures = ended.output.split { $0.isWhitespace }.compactMap { Int($0) }
                guard ended.code == 0, figures.count == 4 else { throw Status(.internal, "\(sender.name): \(ended.errors)") }
                costs[sender.name, default: []].append(figures)
            }
        }
        tell("S   what a message of 2 KiB costs its sender, us: median of \(rounds) rounds of \(messages)")
        tell("    \(pad("", 30)) p50    p99    wall   CPU    (wall, least to most)")
        for sender in senders {
            let rounds = costs[sender.name] ?? []
            let medians = (0..<4).map { figure in rounds.map { $0[figure] }.sorted()[rounds.count / 2] }
            let walls = rounds.map { $0[2] }.sorted()
            tell(
                "    \(pad(sender.name, 30)) \(medians.map { pad("\($0)", 6) }.joined(separator: " ")) (\(walls[0]) to \(walls[walls.count - 1]))"
            )
        }
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Bench cost SOCKET COUNT: one of the senders.
    static func send(_ socket: String, _ count: Int) async throws {
        let client = try await MessageExportClient.connect(socket: socket)
        let run = "\(getpid())-swift"
        func one(_ number: Int) async throws {
            let message = try BenchDaemon.message("\(run)-\(number)", configuration: "kept", bytes: 2048)
            guard try await client.ingest(message).outcome == .stored else { throw Status(.internal, "it is not stored") }
        }
        for number in -20..<0 { try await one(number) }
        var times: [UInt64] = []
        let (start, before) = (nanoseconds(), processorMicroseconds())
        for number in 0..<count {
            let begun = nanoseconds()
            try await one(number)
            times.append(nanoseconds() - begun)
        }
        let (wall, used) = (Int(nanoseconds() - start) / 1000 / count, Int(processorMicroseconds() - before) / count)
        times.sort()
        print(times[count / 2] / 1000, times[count * 99 / 100] / 1000, wall, used)
        await client.close()
    }
}
