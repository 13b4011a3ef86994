import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport

/// That a daemon that is measured keeps what it promises: a figure is worth nothing without.
enum Promises {
    struct Broken: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter folder: what the daemon was started in.
    static func require(_ daemon: BenchDaemon, _ folder: FilePath) async throws {
        let client = try await BenchDaemon.connect(daemon.socket)
        let run = "promise-\(UInt32.random(in: 0 ... .max))"
        try await requireIdempotency(client, run)
        try await requireValidation(client, run)
        try await requireAuthorization(client, daemon, run)
        try await requireSyncs(daemon, run)
        try requireEncryption(folder, "the words of \(run)")
        let audit = try await client.verifyAudit()
        guard audit.failure == nil, audit.events > 0 else { throw Broken(description: "the audit does not verify") }
        await client.close()
        tell("    promises kept: encryption, sync before the answer, idempotency, validation, authorization, audit")
    }

    private static func message(_ id: String, _ text: String, configuration: String = "kept") throws -> Message {
        Message(
            id: try MessageID(id), configuration: configuration,
            content: .sms(Sms(senderNumbers: ["24365"], recipientNumber: "+12025550123", text: text)))
    }

    private static func requireIdempotency(_ client: MessageExportClient, _ run: String) async throws {
        let text = "the words of \(run)"
        let outcomes = [
            try await client.ingest(message(run, text)).outcome, try await client.ingest(message(run, text)).outcome,
        ]
        guard outcomes == [.stored, .duplicate] else { throw Broken(description: "the same message twice: \(outcomes)") }
        try await requireRefusal("another message of the same id", .alreadyExists) {
            _ = try await client.ingest(message(run, text + "!"))
        }
    }

    private static func requireValidation(_ client: MessageExportClient, _ run: String) async throws {
        try await requireRefusal("a text message for a configuration of mails", .invalidArgument, .failedPrecondition) {
            _ = try await client.ingest(message(run + "-b", "text", configuration: "mail-kept"))
        }
        try await requireRefusal("a message for nobody", .invalidArgument) {
            _ = try await client.ingest(
                Message(
                    id: try MessageID(run + "-c"), configuration: "kept",
                    content: .sms(Sms(senderNumbers: ["24365"], recipientNumber: "", text: "text"))))
        }
    }

    private static func requireAuthorization(_ client: MessageExportClient, _ daemon: BenchDaemon, _ run: String) async throws {
        _ = try await client.createSandbox(name: run)
        let other = try await MessageExportClient.connect(socket: daemon.socket, sandbox: run)
        try await requireRefusal("a message into a sandbox that nobody may send to", .permissionDenied) {
            _ = try await other.ingest(message(run, "text"))
        }
        await other.close()
    }

    /// Watches the daemon's calls of the kernel for some messages, one after the other: as many syncs at least.
    private static func requireSyncs(_ daemon: BenchDaemon, _ run: String) async throws {
        let count = 200
        let log = "/tmp/\(run)"
        defer { try? FileManager.default.removeItem(atPath: log) }
        let watched = try await Programs.run(
            "/bin/sh",
            [
                "-c",
                "strace -f -qq -e trace=fdatasync,fsync -o \(log) -p \(daemon.processID) & watcher=$!; "
                    + "until grep -q '^TracerPid:[^0-9]*[1-9]' /proc/\(daemon.processID)/status; do sleep 0.05; done; "
                    + "\"$0\" single \(daemon.socket) \(run) \(count); code=$?; kill $watcher; wait $watcher; exit $code",
                try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"),
            ])
        guard watched.code == 0 else { throw Broken(description: "the daemon cannot be watched: \(watched.errors)") }
        let calls = try String(contentsOfFile: log, encoding: .utf8)
        let syncs = calls.split(separator: "\n").filter { $0.contains("sync(") && $0.hasSuffix("= 0") }.count
        guard syncs >= count else { throw Broken(description: "\(syncs) syncs for \(count) messages, one after the other") }
    }

    /// That words that were stored are in no file of it.
    private static func requireEncryption(_ folder: FilePath, _ words: String) throws {
        let data = folder.appending("data")
        let needle = Data(words.utf8)
        for path in try FileManager.default.subpathsOfDirectory(atPath: data.string) {
            let file = data.appending(path).string
            guard let content = try? Data(contentsOf: URL(filePath: file), options: .alwaysMapped) else { continue }
            guard content.range(of: needle) == nil else { throw Broken(description: "\(path) has the words of a message") }
        }
    }

    private static func requireRefusal(
        _ what: String, _ codes: Status.Code..., from call: () async throws -> Void
    ) async throws {
        do {
            try await call()
        } catch let status as Status {
            guard codes.contains(status.code) else { throw Broken(description: "\(what): \(status)") }
            return
        }
        throw Broken(description: "\(what) was taken")
    }
}
