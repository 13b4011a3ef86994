import Foundation
import Glibc
import Subprocess
import SystemPackage
import TestSupport

/// Redis and PostgreSQL of Debian, each in a folder of its own on a Unix socket, durable before they answer; and their own load programs.
struct Databases: Sendable {
    let folder: FilePath
    private let postgres: FilePath

    private var redisSocket: String { folder.appending("redis.sock").string }
    private var database: String { folder.appending("pg").string }

    /// Starts both, lends them to `body`, and ends them.
    static func with(in folder: FilePath, _ body: @Sendable (Databases) async throws -> Void) async throws {
        let versions = try FileManager.default.contentsOfDirectory(atPath: "/usr/lib/postgresql").sorted()
        guard let version = versions.last else { throw Missing(what: "PostgreSQL") }
        let peers = Databases(folder: folder, postgres: FilePath("/usr/lib/postgresql/\(version)/bin"))
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

    /// Adds entries of that content to a stream; entries a second and their p50 in microseconds.
    func redis(connections: Int, inFlight: Int, content: String, count: Int) async throws -> (rate: Double, p50: Double) {
        let ended = try await Programs.run(
            "/usr/bin/redis-benchmark",
            [
                "-s", redisSocket, "-c", "\(connections)", "-P", "\(inFlight)", "-n", "\(count)", "--csv", "-x", "XADD", "bench",
                "*",
                "m",
            ], input: content)
        // "test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms",...: the test's name may have commas of its own.
        let fields = ended.output.split(separator: "\n").last?.split(separator: ",").map {
            Double($0.trimmingCharacters(in: CharacterSet(charactersIn: "\""))) ?? 0
        }
        guard let fields, fields.count > 7 else { throw Missing(what: "redis-benchmark that answers: \(ended.errors)") }
        try await requireEntries(count, bytes: content.utf8.count)
        return (fields[fields.count - 7], fields[fields.count - 4] * 1000)
    }

    /// That they are all there, with their content, before they are removed.
    private func requireEntries(_ count: Int, bytes: Int) async throws {
        func redis(_ command: String...) async throws -> String {
            try await Programs.run("/usr/bin/redis-cli", ["-s", redisSocket] + command).output
        }
        let length = try await redis("xlen", "bench")
        guard (Int(length.split(separator: "\n").first ?? "") ?? 0) >= count else { throw Missing(what: "entry in Redis") }
        guard try await redis("xrevrange", "bench", "+", "-", "count", "1").utf8.count >= bytes else {
            throw Missing(what: "content in Redis")
        }
        _ = try await redis("del", "bench")
    }

    /// Inserts rows of that content under an id that is unique; rows a second.
    func postgres(connections: Int, rows: Int, content: String, seconds: Int) async throws -> Double {
        try await sql("DROP TABLE IF EXISTS bench; CREATE TABLE bench (id text PRIMARY KEY, day int, content text)")
        try await sql("ALTER TABLE bench ALTER COLUMN content SET STORAGE EXTERNAL")
        let script = database + "/script"
        let values = (0..<rows).map { "(:idhigh || '-' || :idlow || '-\($0)', 1, $text$\(content)$text$)" }.joined(separator: ",")
        let text = """
            \\set idhigh random(1, 1000000000)
            \\set idlow random(1, 1000000000)
            INSERT INTO bench VALUES \(values.replacingOccurrences(of: "\n", with: " ")) ON CONFLICT DO NOTHING;
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
        let found = try await sql("SELECT count(*) FROM bench WHERE length(content) >= \(content.count - 100)")
        guard let found = Int(found.trimmingCharacters(in: .newlines)), found >= Int(tps) * rows * seconds * 9 / 10 else {
            throw Missing(what: "row in PostgreSQL for each that it answered")
        }
        return tps * Double(rows)
    }
}
