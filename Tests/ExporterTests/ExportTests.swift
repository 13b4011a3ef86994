import Disk
import Exporter
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@Suite struct ExportTests {
    private func record(_ sequence: UInt64) throws -> Record {
        let sms = Sms(senderNumbers: ["1"], recipientNumber: "2", text: "text \(sequence)")
        let instant = Instant(milliseconds: 1_795_435_200_000)
        return Record(
            message: Message(id: try MessageID("m\(sequence)"), configuration: "c", content: .sms(sms)), sequence: sequence,
            ingestedAt: instant, expiresAt: instant, sentAt: instant, sandbox: "prod", configurationID: "c",
            configurationVersion: 1,
            contentSHA256: [], submitter: 0)
    }

    /// A source of records 1 to `last` in batches of three.
    private func source(_ last: UInt64) -> Export.Source {
        { after, through in
            let end = min(after + 3, through, last)
            return after < end ? try (after + 1...end).map { try record($0) } : nil
        }
    }

    private func export(through: UInt64 = 10, expected: UInt64 = 10, compression: Compression = .none) -> Export {
        let instant = Instant(milliseconds: 1_795_435_200_000)
        return Export(
            run: Run(
                id: "run-1", dataflow: "f", state: .processing, after: 0, through: through, startedAt: instant,
                folder: Export.folder(dataset: "message-export-prod", startedAt: instant)),
            dataflow: Dataflow(
                id: "f-1", name: "f", destination: "d", format: .json, compression: compression, cursor: 0, createdAt: instant),
            destination: Destination(id: "d-1", name: "d", settings: .local(path: "/out"), createdAt: instant), sandbox: "prod",
            expected: expected)
    }

    /// A file system with the destination's folder.
    private func destinationFiles(faults: [Int: SimulatedFiles.Fault] = [:]) throws -> SimulatedFiles {
        let files = SimulatedFiles(faults: faults)
        try files.createFolder("/out")
        return files
    }

    private let data = FilePath("/out/message-export-prod/exportTime=202611231200/part-00000-run-1.json")
    private let manifest = FilePath("/out/message-export-prod/exportTime=202611231200/manifest-d-1-run-1.json")

    @Test func `a run delivers its window in order and then a manifest that counts it`() throws {
        let files = try destinationFiles()
        let run = try export().perform(source: source(10), files: files, isStopping: { false })
        #expect(run.state == .success)
        #expect(run.totals.exported == 10)
        #expect(files.paths == [manifest, data])
        let rows = String(decoding: files.content(data), as: UTF8.self).split(separator: "\n")
        #expect(rows.count == 10)
        #expect(rows.enumerated().allSatisfy { $1.hasPrefix("{\"_id\":\"m\($0 + 1)\"") })
        let json = try #require(try JSONSerialization.jsonObject(with: Data(files.content(manifest))) as? [String: Any])
        let records = try #require(json["records"] as? [String: Any])
        #expect(records["exported"] as? Int == 10)
        #expect(records["firstSequence"] as? Int == 1)
        #expect(records["lastSequence"] as? Int == 10)
        #expect(run.totals.bytes == UInt64(files.content(data).count))
        #expect(files.afterPowerCut(.nothing).paths == [manifest, data], "durable, both")
    }

    @Test func `records that were there when the window was fixed and are not any more are counted as skipped`() throws {
        let run = try export().perform(source: source(8), files: try destinationFiles(), isStopping: { false })
        #expect(run.totals.exported == 8)
        #expect(run.totals.skipped == 2)
    }

    @Test func `an empty window gives a manifest that says so, and no data file`() throws {
        let files = try destinationFiles()
        let run = try export(expected: 0).perform(source: source(0), files: files, isStopping: { false })
        #expect(run.state == .success)
        #expect(run.totals == Run.Totals())
        #expect(files.paths == [manifest])
    }

    @Test(arguments: Compression.allCases)
    func `the same run gives the same bytes`(compression: Compression) throws {
        let contents = try (0..<2).map { _ in
            let files = try destinationFiles()
            _ = try export(compression: compression).perform(source: source(10), files: files, isStopping: { false })
            return files.paths.map { files.content($0) }
        }
        #expect(contents[0] == contents[1])
    }

    @Test(arguments: [Errno.noSpace, .ioError])
    func `a destination that fails at any operation fails the run, and no manifest vouches for what is not there`(errno: Errno)
        throws
    {
        var failures = 0
        for operation in 1..<30 {
            let files = try destinationFiles(faults: [operation: .fail(errno)])
            do {
                _ = try export().perform(source: source(10), files: files, isStopping: { false })
            } catch let error as Export.Failure {
                failures += 1
                guard case .destination(let cause) = error else { return #expect(Bool(false), "\(error)") }
                #expect(cause.errno == errno)
            }
            // The one fault at hand may be that of the removal itself, never of both it and what came before.
            #expect(!files.paths.contains { $0.string.hasSuffix(".unfinished") }, "operation \(operation)")
            let found = files.afterPowerCut(.nothing)
            if found.paths.contains(manifest) { #expect(found.content(data).count > 0, "operation \(operation)") }
        }
        #expect(failures >= 8)
    }

    @Test func `a name that is taken is never replaced`() throws {
        let files = try destinationFiles()
        try files.createFolder(data.removingLastComponent())
        try files.create(data).write([Data("precious".utf8)], at: 0)
        #expect(throws: Export.Failure.self) { try export().perform(source: source(10), files: files, isStopping: { false }) }
        #expect(files.content(data) == Array("precious".utf8))
        #expect(!files.paths.contains(manifest))
    }

    @Test func `a stop between batches ends the run and leaves nothing behind`() throws {
        let files = try destinationFiles()
        var asked = 0
        let error = #expect(throws: Export.Failure.self) {
            try export().perform(source: source(10), files: files) {
                asked += 1
                return asked > 2
            }
        }
        guard case .stopping = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(files.paths.isEmpty)
    }

    @Test func `a destination whose folder is gone is not made again`() throws {
        let files = SimulatedFiles()
        let error = #expect(throws: Export.Failure.self) {
            try export().perform(source: source(10), files: files, isStopping: { false })
        }
        #expect(error?.description.contains("/out") == true)
        #expect(files.paths.isEmpty)
    }

    @Test func `a run that was cut off is a success exactly when its manifest was delivered`() throws {
        for operation in 1...40 {
            let files = try destinationFiles(faults: [operation: .stop])
            let delivered = try? export().perform(source: source(10), files: files, isStopping: { false })
            let found = files.afterPowerCut(.everything)
            let settled = export().settle(files: found)
            if found.paths.contains(manifest) {
                #expect(settled.state == .success, "operation \(operation)")
                #expect(settled.totals.exported == 10)
                #expect(settled.totals.bytes == UInt64(found.content(data).count))
                #expect(settled.manifest == manifest.lastComponent?.string)
                #expect(found.afterPowerCut(.nothing).paths == [manifest, data], "durable, now that the cursor moves")
            } else {
                #expect(settled.state == .failed, "operation \(operation)")
                #expect(delivered == nil)
            }
            #expect(!found.paths.contains { $0.string.hasSuffix(".unfinished") }, "operation \(operation)")
        }
    }

    @Test func `an error of the dataset fails the run as it is`() throws {
        struct Damaged: Error {}
        let files = try destinationFiles()
        let intact = source(10)
        let damaged: Export.Source = { after, through in
            guard after < 3 else { throw Damaged() }
            return try intact(after, through)
        }
        #expect(throws: Damaged.self) { try export().perform(source: damaged, files: files, isStopping: { false }) }
        #expect(files.paths.isEmpty)
    }

    @Test(arguments: [
        "garbage", "{}", #"{"records":{"received":18446744073709551615,"exported":1,"skipped":0},"exportResults":[]}"#,
        #"{"records":{"received":-1,"exported":1,"skipped":0},"exportResults":[]}"#,
        #"{"records":{"received":1,"exported":1,"skipped":0},"exportResults":[{"size":9223372036854775807},{"size":1}]}"#,
    ])
    func `a manifest that nobody here wrote settles nothing, and stops nothing`(content: String) throws {
        let files = try destinationFiles()
        try files.createFolder(manifest.removingLastComponent())
        try files.create(manifest).write([Data(content.utf8)], at: 0)
        #expect(export().settle(files: files).state == .failed)
    }
}
