import Audit
import Catalog
import Dataset
import Disk
import Formats
import Messages
import Model
import RPC

extension ManagementHandlers {
    func queryRecords(_ request: RecordQuery.Request, in place: Place) async throws(Status) {
        let most = try limit(request.limit, otherwise: Limits.recordsQueriedDefault, atMost: Limits.recordsQueried)
        let search = try search(request, in: place)
        try await audited(.recordQuery, described(request), in: place) { (count) async throws(Status) in
            var search = search
            try await sendMatches(of: request, &search, &count, atMost: most, in: place)
        }
    }

    func tailRecords(_ request: RecordQuery.Request, in place: Place) async throws(Status) {
        guard request.query.until == nil, request.limit == 0 else {
            throw Status(.invalidArgument, "what goes on has no end", field: request.query.until == nil ? "limit" : "until_ms")
        }
        var request = request
        let news = place.entry.store.watch()
        if request.afterSequence == 0, request.query.since == nil {
            request.afterSequence = place.entry.store.totals.lastSequence
        }
        let (asked, start) = (request, try search(request, in: place))
        try await audited(.recordTail, described(request), in: place) { (count) async throws(Status) in
            var search = start
            try await sendMatches(of: asked, &search, &count, atMost: .max, in: place)
            for await _ in news { try await sendMatches(of: asked, &search, &count, atMost: .max, in: place) }
        }
    }

    /// Sends what is found and meant until `count` is `most`.
    private func sendMatches(
        of request: RecordQuery.Request, _ search: inout RecordSearch, _ count: inout Int, atMost most: Int, in place: Place
    ) async throws(Status) {
        while count < most {
            let (current, entry) = (search, place.entry)
            let size = try await look(entry) { (store) throws(DatasetError) in try store.bytesToRead(after: current.position) }
            let left = most - count
            let (isMore, next) = try await holding(size, for: place.call) { () async throws(Status) -> (Bool, RecordSearch) in
                let (records, next) = try await find(current, entry)
                guard let records else { return (false, next) }
                let meant = records.filter(request.query.matches).prefix(left)
                count += meant.count
                for record in meant { try await send(record.viewed(as: request.view), place.call) }
                return (true, next)
            }
            search = next
            guard isMore else { break }
        }
    }

    private func find(
        _ search: RecordSearch, _ entry: SandboxDirectory.Entry
    ) async throws(Status) -> (records: [Record]?, next: RecordSearch) {
        try await reads.run { () throws(Status) in
            var search = search
            let found: [StoredRecord]?
            do throws(DatasetError) { found = try search.next() } catch { throw Status(error) }
            let records = try found.map { (stored) throws(Status) in
                var records: [Record] = []
                for record in stored { records.append(try Record(record, sandbox: entry.sandbox.name)) }
                return records
            }
            return (records, search)
        }
    }

    private func search(_ request: RecordQuery.Request, in place: Place) throws(Status) -> RecordSearch {
        let query = request.query
        var terms: [[Term]] = []
        if let recipient = query.recipient { terms.append(Term.sent(to: recipient)) }
        if let name = query.configuration {
            guard let configuration = place.entry.configurations[name] else {
                throw Status(
                    .notFound, "there is no channel configuration of that name in sandbox \(place.sandbox.name)",
                    field: "configuration")
            }
            terms.append([Term(configuration)])
        }
        if let id = query.campaignID { terms.append([Term(.campaign, id)]) }
        if let id = query.journeyVersionID { terms.append([Term(.journey, id)]) }
        if let since = query.since, let until = query.until, since >= until {
            throw Status(.invalidArgument, "it ends before it begins", field: "until_ms")
        }
        return RecordSearch(
            place.entry.store, terms: terms, since: query.since, until: query.until, after: request.afterSequence)
    }

    /// What was asked for, without naming a person.
    private func described(_ request: RecordQuery.Request) -> String {
        let query = request.query
        let parts = [
            query.recipient.map { "recipient \(person($0))" }, query.configuration.map { "configuration \($0)" },
            query.campaignID.map { "campaign \($0)" }, query.journeyVersionID.map { "journey \($0)" },
            query.since.map { "since \($0)" }, query.until.map { "until \($0)" },
            request.afterSequence == 0 ? nil : "sequences after \(request.afterSequence)",
        ]
        return parts.compactMap { $0 }.joined(separator: ", ")
    }

    /// What the audit calls a recipient.
    func person(_ recipient: String) -> String { signingKey.fingerprint(of: Recipient.normalized(recipient)) }
}
