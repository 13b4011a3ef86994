import Disk
import Foundation
import Messages
@testable import MessageExportClient
import Model
import SealedBox
import Synchronization
import SystemPackage
import TestSupport
import Testing

/// Spools against the built daemon.
@Suite(.timeLimit(.minutes(30))) struct SpoolTests {
    private func message(_ number: Int) throws -> Message {
        Message(
            id: try MessageID("m\(number)"), configuration: "reminders",
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "reminder \(number)")))
    }

    private func prepare(_ daemon: DaemonFixture.Running) async throws {
        let created = try await daemon.msgexport(
            "configuration", "create", "reminders", "--channel", "sms", "--message-export", "on", "--submit")
        #expect(created.code == 0, "\(created.errors)")
    }

    private func records(_ daemon: DaemonFixture.Running) async throws -> Int? {
        try number(try await daemon.msgexport("dataset", "show", "-o", "json").output, "records")
    }

    @Test func `what the daemon misses waits, and is handed over once however often it is tried`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let spool = Spool(folder: folder.appending("spool"), deadline: .seconds(60))
            _ = try await fixture.withDaemon { daemon in
                try await prepare(daemon)
                let client = try SpoolingClient(socket: daemon.socket, sandbox: "", spool: spool)
                try await client.renewKey()
                await client.close()
            }
            let absent = try SpoolingClient(socket: fixture.socket, sandbox: "", spool: spool)
            for number in 0..<20 { #expect(try await absent.ingest(try message(number)) == .spooled) }
            await absent.close()
            let copy = folder.appending("copy").string
            try FileManager.default.copyItem(atPath: spool.folder.string, toPath: copy)
            _ = try await fixture.withDaemon { daemon in
                for place in [spool.folder.string, spool.folder.string, copy] {
                    let sent = try await daemon.msgexport("spool", "send", place, "-o", "json")
                    #expect(sent.code == 0 && sent.output.contains("\"refused\":0"), "\(sent.errors)")
                    #expect(try await records(daemon) == 20)
                }
                let shown = try await daemon.msgexport("spool", "show", copy, "-o", "json").output
                #expect(try number(shown, "entries") == 0)
                let first = try await daemon.msgexport("dataset", "get", "m0", "-o", "json").output
                #expect(first.contains("reminder 0"))
            }
        }
    }

    @Test func `an entry of another user, sandbox or daemon, too old, or damaged, is refused, set aside and audited`()
        async throws
    {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { daemon in
                try await prepare(daemon)
                let client = try await MessageExportClient.connect(socket: daemon.socket)
                let key = try await client.spoolKey()
                #expect(key == (try await client.spoolKey()), "one a day")
                let packed = try message(1).packed
                func refused(
                    _ entry: SpooledMessage, to publicKey: [UInt8]? = nil, flip: Bool = false
                ) async throws -> Status? {
                    let publicKey = publicKey ?? key.publicKey
                    var box = try #require(SealedBox.seal(entry.packed, to: publicKey))
                    if flip { box[box.count / 2] ^= 1 }
                    do throws(Status) { _ = try await client.ingest(sealed: box, to: publicKey) } catch { return error }
                    return nil
                }
                let now = WallClock.now
                let good = SpooledMessage(sandbox: key.sandbox, user: key.user, spooledAt: now, message: packed)
                func taken(_ entry: SpooledMessage) async throws -> Outcome {
                    let box = try #require(SealedBox.seal(entry.packed, to: key.publicKey))
                    return try await client.ingest(sealed: box, to: key.publicKey).outcome
                }
                func changed(_ change: (inout SpooledMessage) -> Void) -> SpooledMessage {
                    var entry = good
                    change(&entry)
                    return entry
                }
                let days = { (count: Int64) in Instant(milliseconds: now.milliseconds - count * Day.milliseconds) }
                #expect(try await refused(changed { $0.user += 1 })?.code == .permissionDenied)
                #expect(try await refused(changed { $0.sandbox = "other" })?.code == .permissionDenied)
                #expect(try await refused(changed { $0.spooledAt = days(5) })?.field == "spooled_at_ms")
                #expect(try await refused(changed { $0.spooledAt = Instant(milliseconds: .min) })?.code == .failedPrecondition)
                #expect(try await refused(good, to: SealedBox.KeyPair.random().publicKey)?.field == "spool_key")
                #expect(try await refused(good, flip: true)?.code == .invalidArgument)
                #expect(try await refused(changed { $0.message = [1, 2, 3] })?.code == .invalidArgument)
                #expect(try await records(daemon) == 0)
                #expect(try await taken(changed { $0.spooledAt = days(2) }) == .beforeEnabled, "when it was sent counts")
                #expect(try await taken(good) == .stored)
                for time in [now, Instant.representable.upperBound, Instant(milliseconds: .max)] {
                    #expect(try await taken(changed { $0.spooledAt = time }) == .duplicate)
                }
                #expect(try await refused(changed { $0.spooledAt = Instant.representable.lowerBound })?.field == "spooled_at_ms")
                #expect(try await records(daemon) == 1, "the same message, whenever it was spooled")
                await client.close()
                let show = { try await daemon.msgexport("audit", "list", "--action", "spool.refused", "-o", "json") }
                try await wait(for: "the audit") { try await !show().output.filter { !$0.isWhitespace }.hasPrefix("[]") }
            }
        }
    }

    /// - Parameter place: where the spool is; empty: beside the daemon.
    @Test(arguments: ["", "/dev/shm"])
    func `by commands, on another file system too: it waits, is shown, sent, refused, tried again and discarded`(
        _ place: String
    ) async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let spool = place.isEmpty ? folder.appending("spool").string : place + "/" + (folder.lastComponent?.string ?? "")
            defer { try? FileManager.default.removeItem(atPath: spool) }
            @Sendable func ingest(_ text: String, _ configuration: String = "reminders") async throws -> Programs.Ended {
                try await Programs.run(
                    Programs.client,
                    [
                        "ingest", "sms", "--configuration", configuration, "--from", "1", "--to", "2", "--spool", spool,
                        "--deadline", "60",
                        "--socket", fixture.socket, text,
                    ])
            }
            try FileManager.default.createDirectory(atPath: spool, withIntermediateDirectories: false)
            for mode in [0o770, 0o707] {
                try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: spool)
                let open = try await ingest("before anything")
                #expect(open.code == 6 && open.errors.contains("not this user's alone"), "\(open.errors)")
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: spool)
            let early = try await ingest("before anything")
            #expect(early.code == 9 && early.errors.contains("no key yet"), "\(early.errors)")
            _ = try await fixture.withDaemon { daemon in
                try await prepare(daemon)
                let taken = try await ingest("one")
                #expect(taken.code == 0 && taken.output.contains("STORED"), "\(taken.errors)")
                let unknown = try await ingest("one", "unknown")
                #expect(unknown.code == 4, "what is refused is not spooled")
            }
            for (text, configuration) in [("two", "reminders"), ("three", "later")] {
                let waiting = try await ingest(text, configuration)
                #expect(waiting.code == 0 && waiting.output.contains("SPOOLED"), "\(waiting.errors)")
            }
            let absent = try await Programs.run(Programs.client, ["spool", "send", spool, "--socket", fixture.socket])
            #expect(absent.code == 9 && absent.output.contains("Waiting   2\n"), "\(absent.output) \(absent.errors)")
            for command in ["send", "show"] {
                let nowhere = try await Programs.run(
                    Programs.client, ["spool", command, spool + "-misspelt", "--socket", fixture.socket])
                #expect(nowhere.code == 4 && nowhere.errors.contains("there is no spool"), "\(nowhere.errors)")
            }
            try damageACopy(in: spool)
            _ = try await fixture.withDaemon { daemon in
                let sent = try await daemon.msgexport("spool", "send", spool)
                #expect(sent.code == 3 && sent.errors.contains("not as it was sealed"), "\(sent.errors)")
                #expect(try await records(daemon) == 2)
                let shown = try await daemon.msgexport("spool", "show", spool, "-o", "json").output
                #expect(try number(shown, "entries") == 1 && number(shown, "refused") == 1, "what can be mended waits")
                let still = try await daemon.msgexport("spool", "send", spool)
                #expect(still.code == 4 && still.errors.contains("no channel configuration"), "\(still.errors)")
                let created = try await daemon.msgexport(
                    "configuration", "create", "later", "--channel", "sms", "--message-export", "on", "--submit")
                #expect(created.code == 0)
                let mended = try await daemon.msgexport("spool", "send", spool)
                #expect(mended.code == 0, "\(mended.errors)")
                let again = try await daemon.msgexport("spool", "send", spool, "--refused")
                #expect(again.code == 3)
                #expect(try await daemon.msgexport("spool", "discard", spool, "--confirm", "other").code == 2)
                let gone = try await daemon.msgexport("spool", "discard", spool, "--confirm", spool, "-o", "json")
                #expect(try number(gone.output, "discarded") == 1, "\(gone.errors)")
                let nothing = try await daemon.msgexport("spool", "send", spool)
                #expect(nothing.code == 0, "\(nothing.errors)")
            }
        }
    }

    /// Puts an entry beside the oldest that is a copy of it, but for one bit.
    private func damageACopy(in spool: String) throws {
        let entries = FilePath(spool).appending("entries").string
        let first = try #require(try FileManager.default.contentsOfDirectory(atPath: entries).sorted().first)
        var content = try #require(FileManager.default.contents(atPath: entries + "/" + first))
        content[content.count - 1] ^= 1
        let parts = first.split(separator: "-")
        try content.write(to: URL(fileURLWithPath: "\(entries)/\(parts[0])-0-\(parts[2])"))
    }

    @Test func `a spool is of one sandbox, and nothing of another goes through it`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let spool = Spool(folder: folder.appending("spool"), deadline: .seconds(60))
            _ = try await fixture.withDaemon { daemon in
                try await prepare(daemon)
                #expect(try await daemon.msgexport("sandbox", "create", "staging").code == 0)
                #expect(
                    try await daemon.msgexport("--sandbox", "staging", "access", "grant", "sender", "--user", "\(geteuid())").code
                        == 0)
                let client = try SpoolingClient(socket: daemon.socket, sandbox: "", spool: spool)
                try await client.renewKey()
                await client.close()
            }
            let ended = #expect(throws: Status.self) {
                try SpoolingClient(socket: fixture.socket, sandbox: "staging", spool: spool)
            }
            #expect(ended?.code == .failedPrecondition && ended?.message.contains("prod") == true)
            let same = try SpoolingClient(socket: fixture.socket, sandbox: "prod", spool: spool)
            #expect(try await same.ingest(try message(1)) == .spooled)
            await same.close()
        }
    }

    @Test func `who hands over looks now and then, also after it had nothing to do`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await prepare(daemon)
                let clock = ManualClock()
                let files = CountingFiles()
                let client = try SpoolingClient(
                    socket: daemon.socket, sandbox: "", spool: Spool(folder: folder.appending("spool"), deadline: .seconds(60)),
                    clock: clock, files: files)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await client.keepHandingOver() }
                    for looks in 1...3 {
                        try await wait(for: "a look") { files.looks.load(ordering: .relaxed) == looks }
                        try await wait(for: "its end") { clock.sleepers == 1 }
                        // One after the other on the disk's queue: it would have looked meanwhile.
                        for _ in 0..<50 { await client.disk.run {} }
                        #expect(files.looks.load(ordering: .relaxed) == looks)
                        clock.advance(by: .milliseconds(Limits.spoolPauseMilliseconds.upperBound))
                    }
                    group.cancelAll()
                }
                await client.close()
            }
        }
    }

    @Test func `two processes share a spool; one hands over at a time`() async throws {
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let spool = Spool(folder: folder.appending("spool"), deadline: .seconds(60))
            let first = try SpoolFolder(spool)
            let lock = try #require(try first.claim())
            let client = try SpoolingClient(socket: fixture.socket, sandbox: "", spool: spool)
            let busy = await #expect(throws: Status.self) { try await client.handOver() }
            #expect(busy?.code == .aborted)
            withExtendedLifetime(lock) {}
            await client.close()
        }
    }

    @Test func `through restarts of the daemon no send fails, and every message is there once`() async throws {
        let isFull = ProcessInfo.processInfo.environment["RESTARTS"] == "1"
        let (count, restarts) = isFull ? (100_000, 20) : (2000, 4)
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            let spool = Spool(folder: folder.appending("spool"), deadline: .seconds(60), entries: count)
            _ = try await fixture.withDaemon { daemon in
                try await prepare(daemon)
                let client = try SpoolingClient(socket: daemon.socket, sandbox: "", spool: spool)
                try await client.renewKey()
                await client.close()
            }
            let spooled = try await SpoolingClient.withClient(socket: fixture.socket, spool: spool) { client in
                var spooled = 0
                for round in 0..<restarts {
                    let numbers = (round * count / restarts)..<((round + 1) * count / restarts)
                    let middle = (numbers.lowerBound + numbers.upperBound) / 2
                    // The first half of a round meets a daemon that is ended meanwhile, the second one none.
                    spooled += try await fixture.withDaemon { daemon in
                        try await send(numbers.lowerBound..<middle, client) { number in
                            guard number == middle - (middle - numbers.lowerBound) / 4 else { return }
                            try round.isMultiple(of: 2) ? daemon.kill() : daemon.terminate()
                        }
                    }.value
                    spooled += try await send(middle..<numbers.upperBound, client)
                }
                return spooled
            }
            #expect(spooled >= count / 2)
            _ = try await fixture.withDaemon { daemon in
                let sent = try await daemon.msgexport("spool", "send", spool.folder.string)
                #expect(sent.code == 0, "\(sent.errors)")
                #expect(try await records(daemon) == count)
            }
        }
    }

    /// Sends some at a time; returns how many were spooled.
    private func send(
        _ numbers: Range<Int>, _ client: SpoolingClient, before: @escaping @Sendable (Int) throws -> Void = { _ in }
    ) async throws -> Int {
        var spooled = 0
        var next = numbers.lowerBound
        try await withThrowingTaskGroup(of: Handover.self) { group in
            while next < numbers.upperBound {
                for number in next..<min(next + 16, numbers.upperBound) {
                    group.addTask {
                        try before(number)
                        return try await client.ingest(try message(number))
                    }
                }
                next += 16
                for try await handover in group { spooled += handover == .spooled ? 1 : 0 }
            }
        }
        return spooled
    }
}
