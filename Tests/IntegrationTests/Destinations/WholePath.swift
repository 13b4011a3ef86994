import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// Messages are ingested, a scheduled run of each format delivers them, and what a customer fetches is verified.
///
/// - Parameters:
///   - options: of `destination create`.
///   - fetch: makes the folder it is given, with what was delivered.
func deliverWholePath(
    _ daemon: DaemonFixture.Running, _ options: [String], _ folder: FilePath, secrets: [String: String] = [:],
    fetch: (FilePath) async throws -> Void
) async throws {
    try await createFlow(daemon, to: nil)
    try await daemon.done("destination", "create", "far", options: options, secrets: secrets)
    let checks = try await daemon.done("destination", "test", "far", "-o", "json")
    #expect(checks.contains(#""step":"REMOVE","error":null"#), "\(checks)")
    for number in 0..<20 {
        let ended = try await ingestSms(
            daemon, "text \(number) \(String(repeating: "x", count: number * 1000))", id: "m\(number)")
        #expect(ended.code == 0)
    }
    let key = folder.appending("organization.json").string
    try await daemon.done("organization", "show", "-o", "json").write(toFile: key, atomically: true, encoding: .utf8)
    try await daemon.done("dataflow", "create", "json", "--destination", "far", "--format", "json", "--once")
    try await daemon.done("dataflow", "create", "parquet", "--destination", "far", "--format", "parquet", "--once")
    for dataflow in ["json", "parquet"] {
        let run = try await daemon.scheduledRun(of: dataflow)
        #expect(run.state == .success && run.totals.exported == 20, "\(run)")
    }
    let fetched = folder.appending("fetched")
    try await fetch(fetched)
    let verified = try await Programs.run(
        Programs.client, ["manifest", "verify", fetched.string, "--public-key", key, "-o", "json"])
    #expect(verified.code == 0, "\(verified.output) \(verified.errors)")
    #expect(try number(verified.output, "records") == 40 && number(verified.output, "manifests") == 2)
    let files = try delivered(in: fetched).map { FilePath($0).lastComponent?.string ?? "" }
    #expect(files.count == 4 && files.allSatisfy { $0.hasPrefix("part-") || $0.hasPrefix("manifest-") }, "\(files)")
    #expect(try await exportedRows(in: fetched).count == 20)
}
