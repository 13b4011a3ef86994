import Foundation
import SystemPackage
import TestSupport
import Testing

/// The alerts that are shipped, judged by a real Prometheus.
@Suite(.timeLimit(.minutes(15))) struct PrometheusTests {
    private static let servers = Programs.repository.appending(".build/servers/prometheus")
    private static let rules = Programs.repository.appending("Sources/msgexportd/Service/alerts.yaml")

    private func alerts() throws -> Set<String> {
        let text = try String(contentsOfFile: Self.rules.string, encoding: .utf8)
        return Set(text.matches(of: #/- alert: MessageExport(\w+)/#).map { String($0.1) })
    }

    @Test func `each alert is silent while all is well, and fires with what it tells of`() async throws {
        let promtool = Self.servers.appending("usr/bin/promtool")
        let checked = try await Programs.run(promtool, ["check", "rules", Self.rules.string])
        #expect(checked.code == 0, "\(checked.errors)")
        let tests = Programs.repository.appending("Tests/Servers/alerts_test.yaml").string
        let tested = try await Programs.run(promtool, ["test", "rules", tests])
        #expect(tested.code == 0, "\(tested.output) \(tested.errors)")
        let text = try String(contentsOfFile: tests, encoding: .utf8)
        for alert in try alerts() { #expect(text.contains("alertname: MessageExport\(alert)\n"), "\(alert)") }
    }

    @Test func `each alert fires for its cause, made with real daemons that a real Prometheus scrapes`() async throws {
        // A small disk, a slow one and few descriptors are root's to make.
        guard geteuid() == 0 else { return }
        try await withTemporaryFolder { folder in
            let clock = try #require(
                try delivered(in: Self.servers.appending("usr/lib")).first { $0.hasSuffix("libfaketimeMT.so.1") })
            let ended = try await Programs.run(
                "/usr/bin/python3",
                [
                    Programs.repository.appending("Tests/Servers/alerts.py").string,
                    Self.servers.appending("usr/bin/prometheus").string,
                    clock, Programs.daemon.string, Programs.client.string, Self.rules.string, folder.appending("p").string,
                ])
            #expect(ended.code == 0, "\(ended.output) \(ended.errors)")
            #expect(Set(ended.output.split(separator: "\n").map(String.init)) == (try alerts()))
        }
    }

    @Test func `alerts, metrics and the operator's page speak of the same things`() throws {
        let page = try String(contentsOfFile: Programs.repository.appending("OPERATING.md").string, encoding: .utf8)
        for alert in try alerts() { #expect(page.contains("| MessageExport\(alert) |"), "\(alert) in OPERATING.md") }
        let report = try FileManager.default.contentsOfDirectory(
            atPath: Programs.repository.appending("Sources/Daemon/Metrics").string
        )
        .map { try String(contentsOfFile: Programs.repository.appending("Sources/Daemon/Metrics/\($0)").string, encoding: .utf8) }
        .joined()
        let known = Set(report.matches(of: #/"((msgexport|process)_\w+)"/#).map { String($0.1) })
        for file in ["alerts.yaml", "dashboard.json"] {
            let text = try String(contentsOfFile: Self.rules.removingLastComponent().appending(file).string, encoding: .utf8)
            for name in Set(text.matches(of: #/(msgexport|process)_\w+/#).map { String($0.0) }) {
                let family = name.replacing(#/_(total|bucket|count|sum|info)$/#, with: "")
                #expect(known.contains(family) || known.contains(name), "\(name) of \(file) is no metric")
            }
        }
    }
}
