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

/// How long a send is held up, on a clock that stands still: by a daemon that takes connections and never answers, and by a disk that does not.
@Suite struct SpoolDeadlineTests {
    private let key = SealedBox.KeyPair.random()
    private let clock = ManualClock()

    private func message(_ id: String) throws -> Message {
        Message(
            id: try MessageID(id), configuration: "c",
            content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "the secret text")))
    }

    /// Lends a client of a socket that is listened to and never read, or that nobody listens to.
    private func withStuckDaemon(
        _ files: any Files = PosixFiles(), refuses: Bool = false, whenFull: Spool.Full = .fail, entries: Int = 10,
        hasKey: Bool = true, keyDays: Int64 = 10,
        _ body: (SpoolingClient, FilePath) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let socket = folder.appending("s").string
            let descriptor = refuses ? -1 : try Self.listen(socket)
            defer { close(descriptor) }
            let spool = Spool(
                folder: folder.appending("spool"), deadline: .seconds(2), entries: entries, whenFull: whenFull)
            if hasKey {
                let known = SpoolKey(
                    publicKey: key.publicKey, sandbox: "prod", user: geteuid(), renewAt: WallClock.now,
                    keptUntil: Instant(milliseconds: WallClock.now.milliseconds + keyDays * Day.milliseconds))
                try PrivateFile.create(spool.folder.appending("key"), content: known.packed)
            }
            let client = try SpoolingClient(socket: socket, sandbox: "", spool: spool, clock: clock, files: files)
            try await body(client, spool.folder)
            await client.close()
        }
    }

    private static func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard bound == 0, Glibc.listen(descriptor, 16) == 0 else { throw Errno(rawValue: errno) }
        return descriptor
    }

    /// Waits until somebody sleeps on the clock, then moves it.
    private func advance(by duration: Duration, sleepers: Int = 1) async throws {
        try await wait(for: "a sleeper") { clock.sleepers >= sleepers }
        clock.advance(by: duration)
    }

    @Test func `a daemon that never answers holds a send up for the deadline less the disk's share, then it is spooled`()
        async throws
    {
        try await withStuckDaemon { client, folder in
            let message = try message("m")
            async let handover = client.ingest(message)
            try await advance(by: .milliseconds(1749))
            #expect(clock.sleepers == 1, "it still waits")
            clock.advance(by: .milliseconds(1))
            #expect(try await handover == .spooled)
            let content = try await client.content()
            #expect(content.entries == 1 && content.refused == 0)
            let entries = folder.appending("entries")
            for name in try FileManager.default.contentsOfDirectory(atPath: entries.string) {
                let path = entries.appending(name).string
                let bytes = try #require(FileManager.default.contents(atPath: path))
                #expect(bytes.range(of: Data("secret".utf8)) == nil)
                #expect(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int == 0o600)
            }
        }
    }

    @Test func `a disk that does not answer either holds it up no longer than the deadline, and it may be stored`() async throws {
        let gate = DispatchSemaphore(value: 0)
        try await withStuckDaemon(SimulatedFiles(beforeSync: { gate.wait() })) { client, _ in
            let message = try message("m")
            async let handover = client.ingest(message)
            try await advance(by: .milliseconds(1750))
            try await advance(by: .milliseconds(250))
            do {
                _ = try await handover
                Issue.record("it was taken")
            } catch let status as Status {
                #expect(status.code == .deadlineExceeded && status.message.contains("may be stored"))
            }
            gate.signal()
        }
    }

    @Test func `the disk has all the time that the daemon did not use`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let writing = Atomic(false)
        let files = SimulatedFiles(beforeSync: {
            writing.store(true, ordering: .relaxed)
            gate.wait()
        })
        try await withStuckDaemon(files, refuses: true) { client, _ in
            let message = try message("m")
            async let handover = client.ingest(message)
            try await wait(for: "the disk") { writing.load(ordering: .relaxed) }
            try await advance(by: .milliseconds(1999))
            gate.signal()
            #expect(try await handover == .spooled)
        }
    }

    @Test func `a caller that cancels gets an error that says so, and nothing is spooled`() async throws {
        try await withStuckDaemon { client, _ in
            let message = try message("m")
            let ended = await withTaskGroup(of: Status?.self) { group in
                group.addTask {
                    do throws(Status) { _ = try await client.ingest(message) } catch { return error }
                    return nil
                }
                try? await wait(for: "a sleeper") { clock.sleepers == 1 }
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(ended?.code == .cancelled)
            #expect(try await client.content().entries == 0)
        }
    }

    @Test func `a caller that cancels while the disk does not answer gets an error that says so`() async throws {
        let gate = DispatchSemaphore(value: 0)
        let writing = Atomic(false)
        let files = SimulatedFiles(beforeSync: {
            writing.store(true, ordering: .relaxed)
            gate.wait()
        })
        try await withStuckDaemon(files, refuses: true) { client, _ in
            let message = try message("m")
            let ended = await withTaskGroup(of: Status?.self) { group in
                group.addTask {
                    do throws(Status) { _ = try await client.ingest(message) } catch { return error }
                    return nil
                }
                try? await wait(for: "the disk") { writing.load(ordering: .relaxed) }
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(ended?.code == .cancelled)
            gate.signal()
        }
    }

    @Test func `a large message that the daemon does not read holds nobody up for longer`() async throws {
        try await withStuckDaemon { client, _ in
            let text = String(repeating: "x", count: 6 << 20)
            let message = Message(
                id: try MessageID("m"), configuration: "c",
                content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: text)))
            async let handover = client.ingest(message)
            try await advance(by: .milliseconds(1750))
            #expect(try await handover == .spooled)
        }
    }

    @Test func `what waits for a disk that does not answer is bounded, and what nobody waits for any more is not written`()
        async throws
    {
        let gate = DispatchSemaphore(value: 0)
        let syncs = Atomic(0)
        let files = SimulatedFiles(beforeSync: {
            syncs.add(1, ordering: .relaxed)
            gate.wait()
        })
        try await withStuckDaemon(files, refuses: true) { client, _ in
            let text = String(repeating: "x", count: 40 << 20)
            var codes: [Status.Code] = []
            for number in 0..<4 {
                let message = Message(
                    id: try MessageID("m\(number)"), configuration: "c",
                    content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: text)))
                let ended = await withTaskGroup(of: Status?.self) { group in
                    group.addTask {
                        do throws(Status) { _ = try await client.ingest(message) } catch { return error }
                        return nil
                    }
                    // The last one is answered at once.
                    if number < 3 { try? await advance(by: .seconds(2)) }
                    return await group.next() ?? nil
                }
                codes.append(ended?.code ?? .ok)
            }
            #expect(codes == [.deadlineExceeded, .deadlineExceeded, .deadlineExceeded, .resourceExhausted])
            gate.signal()
            _ = try await client.content()
            #expect(syncs.load(ordering: .relaxed) == 1)
        }
    }

    @Test func `a key that is kept for little longer is sealed to no more`() async throws {
        try await withStuckDaemon(refuses: true, keyDays: 2) { client, _ in
            let message = try message("m")
            let ended = await #expect(throws: Status.self) { try await client.ingest(message) }
            #expect(ended?.message.contains("no key") == true)
        }
    }

    @Test func `a full spool fails or drops and counts, as it was told`() async throws {
        for whenFull in Spool.Full.allCases {
            try await withStuckDaemon(whenFull: whenFull, entries: 1) { client, _ in
                for (number, expected) in [Handover.spooled, .dropped, .dropped].enumerated() {
                    let message = try message("m\(number)")
                    async let handover = client.ingest(message)
                    try await advance(by: .milliseconds(1750))
                    do {
                        #expect(try await handover == expected && (number == 0 || whenFull == .drop))
                    } catch let status as Status {
                        #expect(status.code == .resourceExhausted && number > 0 && whenFull == .fail)
                    }
                }
                #expect(client.messagesDropped == (whenFull == .drop ? 2 : 0))
                #expect(try await client.content().entries == 1)
            }
        }
    }

    @Test func `while the daemon is away nobody looks through what waits`() async throws {
        let files = CountingFiles()
        try await withStuckDaemon(files, refuses: true) { client, _ in
            let outcome = try await client.handOver()
            #expect(outcome.stopped?.code == .unavailable)
            #expect(files.looks.load(ordering: .relaxed) == 0)
        }
    }

    @Test func `without a key nothing is spooled, and the error says what to do`() async throws {
        try await withStuckDaemon(hasKey: false) { client, _ in
            let message = try message("m")
            async let handover = client.ingest(message)
            try await advance(by: .seconds(2))
            do {
                _ = try await handover
                Issue.record("it was taken")
            } catch let status as Status {
                #expect(status.code == .deadlineExceeded && status.message.contains("no key yet") && status.hint != nil)
            }
        }
    }
}
