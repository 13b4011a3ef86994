import ArgumentParser
import Formats
import MessageExportClient

/// Which records are meant.
struct RecordQueryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Only what was sent to this address or number.", valueName: "recipient"))
    var recipient: String?

    @Option(
        name: .customLong("configuration"), help: ArgumentHelp("Only what was sent with it.", valueName: "name"),
        completion: .names(of: .configuration))
    var channelConfiguration: String?

    @Option(help: ArgumentHelp("Only what has this campaign id.", valueName: "id"))
    var campaign: String?

    @Option(help: ArgumentHelp("Only what has this journey version id.", valueName: "id"))
    var journey: String?

    @Option(
        help: ArgumentHelp("Ingested then or later: \(Instant.pastHelp).", valueName: "time"),
        transform: Instant.past)
    var since: Instant?

    /// What is asked for.
    var query: RecordQuery {
        var query = RecordQuery()
        query.recipient = recipient
        query.configuration = channelConfiguration
        query.campaignID = campaign
        query.journeyVersionID = journey
        query.since = since
        return query
    }
}

extension DatasetCommand {
    struct Query: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Finds records by recipient, configuration, campaign, journey or time.",
            discussion: """
                All that is given must hold. The oldest come first; the last line's sequence is what the next page begins --after. JSON output \
                is the exported row, one a line. What is read is recorded in the sandbox's audit.

                EXAMPLES
                  msgexport dataset query --recipient ada@example.com
                  msgexport dataset query --configuration orders --since 2026-11-23T09:30:00Z \\
                    --until 2026-11-23T10:00:00Z -n 500 -o json
                  msgexport dataset query --campaign spring --since 2h --after 4711
                """)

        @OptionGroup var options: RecordQueryOptions

        @Option(help: ArgumentHelp("Ingested before then; as --since.", valueName: "time"), transform: Instant.past)
        var until: Instant?

        @Option(help: ArgumentHelp("Only records with higher sequences.", valueName: "sequence"))
        var after: UInt64 = 0

        @Option(name: [.customShort("n"), .customLong("limit")], help: "How many; 0: all there are.")
        var limit = Limits.recordsQueriedDefault

        @OptionGroup var connection: Connection

        func validate() throws {
            guard limit >= 0 else { throw ValidationError("-n is 0 or more") }
        }

        func run() async throws {
            var query = options.query
            query.until = until
            let wanted = query
            try await connection.withClient(naming: .configuration, options.channelConfiguration ?? "", in: "configuration") {
                client in
                var shown: [[Field]] = []
                try await client.records(matching: wanted, after: after, limit: limit == 0 ? nil : limit) { record in
                    if connection.output == .json { record.showRow() } else { shown.append(record.summary) }
                }
                guard connection.output == .table else { return }
                defer {
                    if limit > 0, shown.count == limit { Terminal.complain("the first \(limit) are shown; -n 0 shows all\n") }
                }
                Terminal.show(shown, columns: Record.summaryColumns, as: .table)
            }
        }
    }

    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Shows each record when it is stored, until it is interrupted.",
            discussion: """
                With --since or --after those come first that are there already. JSON output is the exported row, one a line. What is read is \
                recorded in the sandbox's audit.

                EXAMPLES
                  msgexport dataset tail
                  msgexport dataset tail --configuration orders --since 1h -o json
                """)

        @OptionGroup var options: RecordQueryOptions

        @Option(
            help: ArgumentHelp(
                "First those with higher sequences that are there already. Default: only new ones.", valueName: "sequence"))
        var after: UInt64?

        @OptionGroup var connection: Connection

        func validate() throws {
            guard after != 0 else {
                throw ValidationError("--after is at least 1; --since shows all that is there from a time on")
            }
        }

        func run() async throws {
            let query = options.query
            try await connection.withClient(naming: .configuration, options.channelConfiguration ?? "", in: "configuration") {
                client in
                try await client.tailRecords(matching: query, after: after ?? 0) { (record) throws(Status) in
                    if connection.output == .json { record.showRow() } else { Terminal.print(record.line) }
                    try Terminal.requireReader()
                }
            }
        }
    }
}
