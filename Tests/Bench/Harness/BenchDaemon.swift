import Foundation
import MessageExportClient
import Model
import Subprocess
import SystemPackage
import TestSupport

/// A daemon of a release build, with a flagged and an unflagged configuration of each channel.
struct BenchDaemon: Sendable {
    let socket: String
    let processID: Int32

    /// - Parameters:
    ///   - isPrepared: false: it has been started in that folder before.
    ///   - signal: what ends it.
    ///   - wrapper: a command that runs it.
    static func with<Value: Sendable>(
        programs: FilePath, in folder: FilePath, isPrepared: Bool = true, ending signal: Signal = .terminate,
        under wrapper: [String] = [],
        _ body: @escaping @Sendable (BenchDaemon) async throws -> Value
    ) async throws -> Value {
        let socket = folder.appending("s").string
        let daemon =
            wrapper + [
                programs.appending("msgexportd").string, "--data", folder.appending("data").string, "--socket", socket,
                "--master-key", folder.appending("key").string,
            ]
        return try await Subprocess.run(
            .path(FilePath(daemon[0])), arguments: Arguments(Array(daemon.dropFirst())), input: .none, output: .discarded,
            error: .discarded
        ) { execution in
            let client = try await connect(socket)
            if isPrepared { try await prepare(client) }
            let value = try await body(BenchDaemon(socket: socket, processID: Int32(execution.processIdentifier.value)))
            await client.close()
            try execution.send(signal: signal)
            return value
        }.closureResult
    }

    /// Lends one of another commit's programs as well; nil: there are none.
    static func withBase<Value: Sendable>(
        _ programs: FilePath?, in folder: FilePath, _ body: @escaping @Sendable (BenchDaemon?) async throws -> Value
    ) async throws -> Value {
        guard let programs else { return try await body(nil) }
        let folder = folder.appending("base")
        try FileManager.default.createDirectory(atPath: folder.string, withIntermediateDirectories: false)
        return try await with(programs: programs, in: folder) { try await body($0) }
    }

    private static func prepare(_ client: MessageExportClient) async throws {
        for role in [Role.sender, .operator, .auditor] { try await client.grant(role, to: .user(geteuid())) }
        try await client.approve(.localRoot, "/")
        try await client.approve(.host, "127.0.0.1")
        for (channel, isKept) in [(Channel.sms, true), (.sms, false), (.email, true), (.email, false)] {
            _ = try await client.createConfiguration(
                name: configuration(channel, isKept: isKept), channel: channel,
                settings: ConfigurationSettings(messageExport: isKept), submit: true)
        }
    }

    /// The name of the one of that channel whose flag is on, or off.
    static func configuration(_ channel: Channel, isKept: Bool) -> String {
        (channel == .sms ? "" : "mail-") + (isKept ? "kept" : "dropped")
    }

    /// Tries until the daemon serves, for two minutes at most.
    static func connect(_ socket: String) async throws -> MessageExportClient {
        let start = nanoseconds()
        while true {
            guard nanoseconds() - start < 120_000_000_000 else {
                throw Status(.unavailable, "the daemon at \(socket) does not serve")
            }
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
