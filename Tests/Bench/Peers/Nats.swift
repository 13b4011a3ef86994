import Foundation
import Subprocess
import SystemPackage
import TestSupport

/// nats-server of Debian with a JetStream stream on disk, which it syncs every two minutes and not before it answers, and a load program on its C client.
struct Nats: Sendable {
    private let port: Int
    private let program: FilePath

    /// Starts it on a port of its own choice, lends it to `body`, and ends it.
    static func with(in folder: FilePath, _ body: @Sendable (Nats) async throws -> Void) async throws {
        let program = folder.appending("nats_load")
        let source = Programs.repository.appending("Tests/Bench/Peers/nats_load.c").string
        let compiled = try await Programs.run(
            "/usr/bin/cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program.string, source, "-lnats"])
        guard compiled.code == 0 else { throw Databases.Missing(what: "NATS client that compiles: \(compiled.errors)") }
        let ports = folder.appending("nats-ports").string
        try FileManager.default.createDirectory(atPath: ports, withIntermediateDirectories: false)
        let options = [
            "--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir", folder.appending("jetstream").string,
            "--ports_file_dir", ports,
        ]
        _ = try await Subprocess.run(
            .path("/usr/sbin/nats-server"), arguments: Arguments(options), input: .none, output: .discarded, error: .discarded
        ) { execution in
            let result: Result<Void, any Error>
            do {
                result = .success(try await body(Nats(port: try await port(ports), program: program)))
            } catch {
                result = .failure(error)
            }
            try execution.send(signal: .terminate)
            try result.get()
        }
    }

    /// It writes the file when it listens: `{"nats":["nats://127.0.0.1:PORT"]}`.
    private static func port(_ folder: String) async throws -> Int {
        struct Ports: Decodable { let nats: [String] }
        for _ in 0..<500 {
            if let name = try FileManager.default.contentsOfDirectory(atPath: folder).first,
                let content = FileManager.default.contents(atPath: folder + "/" + name),
                let ports = try? JSONDecoder().decode(Ports.self, from: content),
                let port = ports.nats.first?.split(separator: ":").last.flatMap({ Int($0) })
            {
                return port
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Databases.Missing(what: "nats-server that listens")
    }

    /// Messages acknowledged a second.
    func rate(connections: Int, inFlight: Int, content: String, count: Int) async throws -> Double {
        let ended = try await Programs.run(program, ["\(port)", "\(connections)", "\(inFlight)", "\(count)"], input: content)
        guard ended.code == 0, let rate = Double(ended.output.trimmingCharacters(in: .newlines)) else {
            throw Databases.Missing(what: "NATS that stores: \(ended.errors)")
        }
        return rate
    }
}
