import Foundation
import SystemPackage
import TestSupport

/// A server and a client on containerd's own ttrpc library, in Go: what a call takes that does nothing.
struct GoTtrpc: Sendable {
    let socket: String
    private let program: FilePath

    static func with(in folder: FilePath, _ body: @Sendable (GoTtrpc) async throws -> Void) async throws {
        let built = folder.appending("go").string
        let sources = Programs.repository.appending("Tests")
        let ended = try await Programs.run(
            "/bin/sh",
            [
                sources.appending("IntegrationTests/GoClient/build.sh").string, Programs.repository.appending("Protos").string,
                built,
                sources.appending("Bench/Peers/ttrpc_answer.go").string,
            ])
        guard ended.code == 0 else { throw Databases.Missing(what: "Go program that compiles: \(ended.errors)") }
        let peer = GoTtrpc(socket: folder.appending("go.sock").string, program: FilePath(built + "/client"))
        try await TestServer.with([peer.program.string, "serve", peer.socket]) { _ in try await body(peer) }
    }

    /// The median of a call's time by its own client, in microseconds.
    func p50(text: String, count: Int) async throws -> Double {
        let ended = try await Programs.run(program, ["call", socket, "\(count)"], input: text)
        guard ended.code == 0, let time = Double(ended.output.trimmingCharacters(in: .newlines)) else {
            throw Databases.Missing(what: "ttrpc that answers: \(ended.errors)")
        }
        return time
    }
}
