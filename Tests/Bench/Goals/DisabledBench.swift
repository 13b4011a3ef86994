import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// What it takes to be told that nothing is kept, as nearly all messages of a sender may be: beside the socket alone, and a call of containerd's ttrpc
/// in Go that does nothing.
enum DisabledBench {
    private static let calls = 5000

    static func run(_ programs: FilePath, base: FilePath?, _ results: Results) async throws {
        try await withTemporaryFolder { folder in
            try await GoTtrpc.with(in: folder) { ttrpc in
                try await BenchDaemon.with(programs: programs, in: folder) { daemon in
                    try await BenchDaemon.withBase(base, in: folder) { base in
                        try await Promises.require(daemon, folder)
                        try results.add(try await compare(daemon, base, ttrpc))
                    }
                }
            }
        }
    }

    private static func compare(_ daemon: BenchDaemon, _ base: BenchDaemon?, _ ttrpc: GoTtrpc) async throws -> Figure {
        @Sendable func p50(_ socket: String, _ name: String) throws -> Double {
            try Single(socket, corpus: .sms, isKept: false).times(name, count: calls).medianMicroseconds
        }
        let text = Corpus.sms.text(1)
        var contenders: [Contender] = [.ours { try p50(daemon.socket, "d\($0)") }]
        if let base { contenders.append(.peer("base") { try p50(base.socket, "d\($0)") }) }
        contenders += [
            .peer("ttrpc in Go, its own client", goal: 0.7) { _ in try await ttrpc.p50(text: text, count: calls) },
            .peer("ttrpc in Go, our client") { try p50(ttrpc.socket, "d\($0)") },
            .peer("bare ping-pong of a socket", goal: 1.8) { _ in
                try PingPong.times(there: text.utf8.count + 150, back: 40, count: calls).medianMicroseconds
            },
        ]
        return try await Comparison(
            goal: "P4", title: "ingest to a configuration that is off, text message, p50", unit: "µs", better: .less,
            contenders: contenders
        ).run()
    }
}
