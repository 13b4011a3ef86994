import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// A daemon of a release build, with a flagged and an unflagged SMS configuration.
struct BenchDaemon: Sendable {
    let socket: String
    let processID: Int32

    /// - Parameters:
    ///   - isPrepared: false: it has been started in that folder before.
    ///   - signal: what ends it.
    static func with(
        programs: FilePath, in folder: FilePath, isPrepared: Bool = true, ending signal: Signal = .terminate,
        _ body: @escaping @Sendable (BenchDaemon) async throws -> Void
    ) async throws {
        let socket = folder.appending("s").string
        let daemon = [
            "--data", folder.appending("data").string, "--socket", socket, "--master-key", folder.appending("key").string,
        ]
        _ = try await Subprocess.run(
            .path(programs.appending("msgexportd")), arguments: Arguments(daemon), input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            let client = try await connect(socket)
            if isPrepared { try await prepare(client) }
            try await body(BenchDaemon(socket: socket, processID: Int32(execution.processIdentifier.value)))
            await client.close()
            try execution.send(signal: signal)
        }
    }

    private static func prepare(_ client: MessageExportClient) async throws {
        for role in [Role.sender, .operator] { try await client.grant(role, to: .user(geteuid())) }
        try await client.approve(.localRoot, "/")
        try await client.approve(.host, "127.0.0.1")
        for (name, isOn) in [("kept", true), ("dropped", false)] {
            _ = try await client.createConfiguration(
                name: name, channel: .sms, settings: ConfigurationSettings(messageExport: isOn), submit: true)
        }
    }

    /// Tries until the daemon serves.
    static func connect(_ socket: String) async throws -> MessageExportClient {
        while true {
            if let client = try? await MessageExportClient.connect(socket: socket, timeout: .seconds(300)) { return client }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Reads of files, by the kernel's count.
    var fileReads: Int {
        let text = (try? String(contentsOfFile: "/proc/\(processID)/io", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("syscr") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? 0
    }

    /// Resident memory in MiB: now, and at most so far.
    var memory: (now: Double, peak: Double) {
        let status = (try? String(contentsOfFile: "/proc/\(processID)/status", encoding: .utf8)) ?? ""
        func value(_ name: String) -> Double {
            let line = status.split(separator: "\n").first { $0.hasPrefix(name) } ?? ""
            return (line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Double($0) } ?? 0) / 1024
        }
        return (value("VmRSS"), value("VmHWM"))
    }

    /// Counts the peak of its memory from now on.
    func resetPeak() {
        try? "5".write(toFile: "/proc/\(processID)/clear_refs", atomically: false, encoding: .utf8)
    }

    static func message(_ id: String, configuration: String, bytes: Int) throws(Status) -> Message {
        Message(
            id: try MessageID(id), configuration: configuration,
            content: .sms(
                Sms(senderNumbers: ["24365"], recipientNumber: "+12025550123", text: String(repeating: "x", count: bytes))))
    }
}

/// Latencies of calls, sorted when asked.
struct Latencies: Sendable {
    var all: [Duration] = []

    func quantile(_ part: Double) -> Duration {
        let sorted = all.sorted()
        return sorted.isEmpty ? .zero : sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))]
    }
}

extension Duration {
    var microseconds: Int { Int(self / .microseconds(1)) }
}
