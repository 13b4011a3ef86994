import ArgumentParser
import Foundation
import MessageExportClient
import SystemPackage

struct SpoolCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "spool", abstract: "Shows and hands over what waits because the daemon could not take it.",
        discussion: """
            An ingest with --spool puts what the daemon does not take in time into a folder, sealed so that only the daemon can read \
            it. 'spool send' hands it over, the oldest first; what the daemon has already is not stored twice. What is older than \
            the sandbox's retention is refused, and audited.

            EXAMPLES
              msgexport ingest sms --configuration due --from 1 --to 2 --spool ~/spool Now
              msgexport spool show ~/spool
              msgexport spool send ~/spool
            """,
        subcommands: [Show.self, Send.self, Discard.self])

    /// A spool, and where it is handed over.
    struct Place: ParsableArguments {
        @Argument(help: "The spool's folder.", completion: .directory)
        var folder: String

        @OptionGroup var connection: Connection

        func with<Value: Sendable>(_ body: (SpoolingClient) async throws -> Value) async throws -> Value {
            guard !folder.isEmpty else { throw ValidationError("the spool's folder is an empty name") }
            guard FileManager.default.fileExists(atPath: folder) else {
                throw Status(.notFound, "there is no spool \(folder)", hint: "'msgexport ingest --spool' makes it")
            }
            let client = try SpoolingClient(
                socket: connection.resolvedSocket, sandbox: connection.resolvedSandbox, spool: Spool(folder: FilePath(folder)))
            let result: Result<Value, any Error>
            do { result = .success(try await body(client)) } catch { result = .failure(error) }
            await client.close()
            return try result.get()
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows how much waits in a spool, and since when.",
            discussion: """
                EXAMPLES
                  msgexport spool show ~/spool
                """)

        @OptionGroup var place: Place

        func run() async throws {
            let content = try await place.with { try await $0.content() }
            Terminal.show(
                [
                    Field("Waiting", "entries", content.entries), Field("Size", "bytes", .bytes(UInt64(content.bytes))),
                    Field("Oldest", "oldest", content.oldest), Field("Refused", "refused", content.refused),
                    Field("Size refused", "refusedBytes", .bytes(UInt64(content.refusedBytes))),
                ], as: place.connection.output)
        }
    }

    struct Send: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hands over what waits in a spool.",
            discussion: """
                Not kept is what the flag of its configuration, as it is now or was when it was sent, lets nobody keep.

                Exits with 0 when nothing is left to hand over, and else with the code of what stopped it, or of the first that was not \
                taken. What can be mended, such as a configuration that is not active, waits on; what is refused for good is set aside \
                in the folder, and --refused tries it again.

                EXAMPLES
                  msgexport spool send ~/spool
                  msgexport spool send ~/spool --refused
                """)

        @Flag(help: "Try what was refused before once more.")
        var refused = false

        @OptionGroup var place: Place

        func run() async throws {
            let (outcome, waiting) = try await place.with { client in
                if refused { try await client.takeUpRefused() }
                let outcome = try await client.handOver()
                guard outcome.stopped != nil else { return (outcome, outcome.left) }
                // There are also those that were not reached.
                return (outcome, (try? await client.content().entries) ?? outcome.left)
            }
            Terminal.show(
                [
                    Field("Taken", "taken", outcome.taken), Field("Not kept", "notKept", outcome.notKept),
                    Field("Waiting", "waiting", waiting),
                    Field("Refused", "refused", outcome.refused),
                ],
                as: place.connection.output)
            if let stopped = outcome.stopped { throw stopped }
            if let refusal = outcome.firstRefusal { throw refusal }
        }
    }

    struct Discard: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Destroys what was refused; what waits stays.",
            discussion: """
                EXAMPLES
                  msgexport spool discard ~/spool --confirm ~/spool
                """)

        @Option(help: ArgumentHelp("The folder again.", valueName: "folder"))
        var confirm: String

        @OptionGroup var place: Place

        func validate() throws {
            guard confirm == place.folder else {
                throw ValidationError("--confirm has to repeat the folder: what is discarded was never stored")
            }
        }

        func run() async throws {
            let count = try await place.with { try await $0.discardRefused() }
            Terminal.show([Field("Discarded", "discarded", count)], as: place.connection.output)
        }
    }
}

/// What an ingest does when the daemon does not take a message in time.
struct SpoolOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder for what the daemon does not take in time, sealed; 'msgexport spool send' hands it over.", valueName: "folder"
        ),
        completion: .directory)
    var spool: String?

    @Option(help: ArgumentHelp("With --spool: how long the daemon is waited for.", valueName: "seconds"))
    var deadline = Double(Limits.spoolDeadlineMilliseconds) / 1000

    @Option(help: "With --spool: whether what a full one does not hold fails, or is dropped.")
    var spoolFull: SpoolFull = .fail

    func validate() throws {
        guard spool?.isEmpty != true else { throw ValidationError("the spool's folder is an empty name") }
        guard deadline >= 0.01, deadline <= 3600 else { throw ValidationError("--deadline is 0.01 to 3600 seconds") }
    }

    /// Nil: none is wanted.
    var settings: Spool? {
        spool.map {
            Spool(
                folder: FilePath($0), deadline: .milliseconds(Int(deadline * 1000)), whenFull: spoolFull == .drop ? .drop : .fail)
        }
    }
}

enum SpoolFull: String, ExpressibleByArgument, CaseIterable {
    case fail
    case drop
}

/// Who takes messages: the daemon or, in time, a spool.
enum Receiver: Sendable {
    case daemon(MessageExportClient)
    case spool(SpoolingClient)

    func ingest(_ message: Message) async throws(Status) -> Handover {
        switch self {
        case .daemon(let client): .answered(try await client.ingest(message))
        case .spool(let client): try await client.ingest(message)
        }
    }
}

extension Connection {
    /// Connects for one command that ingests.
    func withReceiver(_ spool: Spool?, _ body: (Receiver) async throws -> Void) async throws {
        guard let spool else { return try await withClient { try await body(.daemon($0)) } }
        let client = try SpoolingClient(socket: resolvedSocket, sandbox: resolvedSandbox, spool: spool)
        let result: Result<Void, any Error>
        do { result = .success(try await body(.spool(client))) } catch { result = .failure(error) }
        // For the next time: that of today may be due. Where the daemon is away the last one does, and nobody waits for it once more.
        if !client.hasSpooled { try? await client.renewKey() }
        await client.close()
        try result.get()
    }
}
