import Foundation
import Glibc
import Subprocess
import SystemPackage
import TestSupport

/// Redis and PostgreSQL of Debian, each in a folder of its own on a Unix socket, durable before they answer; and their own load programs.
struct Peers: Sendable {
    let folder: FilePath
    private let postgres: FilePath

    private var redisSocket: String { folder.appending("redis.sock").string }
    private var database: String { folder.appending("pg").string }

    /// Starts both, lends them to `body`, and ends them.
    static func with(in folder: FilePath, _ body: @Sendable (Peers) async throws -> Void) async throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql").sorted()
        guard let version = versions.last else { throw Missing(what: "PostgreSQL") }
        let peers = Peers(folder: folder, postgres: FilePath("/usr/lib/postgresql/\(version)/bin"))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: folder.string)
        try FileManager.default.createDirectory(atPath: peers.database, withIntermediateDirectories: true)
        _ = try await Programs.run("/usr/bin/chown", ["postgres", peers.database])
        let redis = [
            "--port", "0", "--unixsocket", peers.redisSocket, "--dir", folder.string, "--appendonly", "yes", "--appendfsync",
            "always", "--save", "", "--auto-aof-rewrite-percentage", "0",
        ]
        _ = try await Subprocess.run(
            .path("/usr/bin/redis-server"), arguments: Arguments(redis), input: .none, output: .discarded, error: .discarded
        ) { execution in
            try await peers.asPostgres("initdb", ["-D", peers.database, "--auth=trust", "-E", "UTF8", "--locale=C"])
            let options =
                "-k \(peers.database) -c listen_addresses= -c fsync=on -c synchronous_commit=on -c shared_buffers=256MB -c max_wal_size=8GB"
            try await peers.asPostgres(
                "pg_ctl", ["-D", peers.database, "-l", peers.database + "/log", "-w", "-o", options, "start"])
            let result: Result<Void, any Error>
            do {
                try await peers.requireDurability()
                result = .success(try await body(peers))
            } catch {
                result = .failure(error)
            }
            try await peers.asPostgres("pg_ctl", ["-D", peers.database, "-m", "immediate", "stop"])
            try execution.send(signal: .kill)
            try result.get()
        }
    }

    /// A program that is not there.
    struct Missing: Error, CustomStringConvertible {
        let what: String
        var description: String { "there is no \(what): see 'make bench-deps'" }
    }

    @discardableResult
    private func asPostgres(_ program: String, _ arguments: [String]) async throws -> String {
        let command = [postgres.appending(program).string] + arguments
        let ended =
            geteuid() == 0
            ? try await Programs.run("/usr/sbin/runuser", ["-u", "postgres", "--"] + command)
            : try await Programs.run(FilePath(command[0]), Array(command.dropFirst()))
        guard ended.code == 0 else { throw Missing(what: "\(program) that works: \(ended.errors)") }
        return ended.output
    }

    /// What the figures are worth nothing without.
    private func requireDurability() async throws {
        let redis = try await Programs.run("/usr/bin/redis-cli", ["-s", redisSocket, "config", "get", "appendfsync"]).output
        guard redis.contains("always") else { throw Missing(what: "Redis that syncs before it answers") }
        guard try await sql("SHOW fsync").contains("on"), try await sql("SHOW synchronous_commit").contains("on") else {
            throw Missing(what: "PostgreSQL that syncs before it answers")
        }
    }

    /// Runs SQL; what it answers, without titles.
    @discardableResult
    func sql(_ text: String) async throws -> String {
        try await asPostgres("psql", ["-h", database, "-d", "postgres", "-At", "-v", "ON_ERROR_STOP=1", "-c", text])
    }

    /// Adds entries of that many bytes to a stream; entries a second and their p50 in microseconds.
    func redis(connections: Int, inFlight: Int, bytes: Int, count: Int) async throws -> (rate: Double, p50: Double) {
        let ended = try await Programs.run(
            "/usr/bin/redis-benchmark",
            [
                "-s", redisSocket, "-c", "\(connections)", "-P", "\(inFlight)", "-n", "\(count)", "--csv", "XADD", "bench", "*",
                "m",
                String(repeating: "x", count: bytes),
            ])
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",...
        let fields = ended.output.split(separator: "\n").last?.split(separator: ",").map {
            Double($0.trimmingCharacters(in: CharacterSet(charactersIn: "\""))) ?? 0
        }
        guard let fields, fields.count > 5 else { throw Missing(what: "redis-benchmark that answers: \(ended.errors)") }
        let length = try await Programs.run("/usr/bin/redis-cli", ["-s", redisSocket, "xlen", "bench"]).output
        guard (Int(length.split(separator: "\n").first ?? "") ?? 0) >= count else { throw Missing(what: "entry in Redis") }
        _ = try await Programs.run("/usr/bin/redis-cli", ["-s", redisSocket, "del", "bench"])
        return (fields[fields.count - 7], fields[fields.count - 4] * 1000)
    }

    /// Inserts rows of that many bytes under an id that is unique; rows a second.
    func postgres(connections: Int, rows: Int, bytes: Int, seconds: Int) async throws -> Double {
        try await sql("DROP TABLE IF EXISTS bench; CREATE TABLE bench (id text PRIMARY KEY, day int, content text)")
        try await sql("ALTER TABLE bench ALTER COLUMN content SET STORAGE EXTERNAL")
        let script = database + "/script"
        let content = String(repeating: "x", count: bytes)
        let values = (0..<rows).map { "(:a || '-' || :b || '-\($0)', 1, '\(content)')" }.joined(separator: ",")
        let text = """
            \\set a random(1, 1000000000)
            \\set b random(1, 1000000000)
            INSERT INTO bench VALUES \(values) ON CONFLICT DO NOTHING;
            """
        try text.write(toFile: script, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: script)
        let output = try await asPostgres(
            "pgbench",
            ["-h", database, "-n", "-c", "\(connections)", "-j", "1", "-T", "\(seconds)", "-f", script, "postgres"])
        let line = output.split(separator: "\n").first { $0.hasPrefix("tps = ") }
        guard let tps = line?.split(separator: " ").dropFirst(2).first.flatMap({ Double($0) }) else {
            throw Missing(what: "pgbench that answers: \(output)")
        }
        return tps * Double(rows)
    }
}
