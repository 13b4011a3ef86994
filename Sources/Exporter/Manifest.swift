import Formats
import Foundation
import Model

/// What a run delivered, written last: a data file that no manifest names belongs to a run that did not finish.
package struct Manifest: Sendable {
    /// One delivered data file.
    package struct File: Sendable {
        /// Its name in the folder of the run.
        package let name: String
        /// Bytes as delivered.
        package let size: Int64
        /// Rows in it.
        package let records: UInt64
        /// Over the file as delivered.
        package let sha256: [UInt8]
    }

    let export: Export
    let totals: Run.Totals
    let files: [File]
    /// The first and the last record delivered.
    let first: Record?
    let last: Record?

    static func name(of export: Export) -> String { "manifest-\(export.destination.id)-\(export.run.id).json" }

    /// What a delivered manifest says was moved; nil when it is none.
    static func totals(_ bytes: [UInt8]) -> Run.Totals? {
        struct Document: Decodable {
            struct Records: Decodable {
                let received, exported, skipped: Int64
            }

            struct Result: Decodable {
                let size: Int64
            }

            let records: Records
            let exportResults: [Result]
        }
        guard let document = try? JSONDecoder().decode(Document.self, from: Data(bytes)) else { return nil }
        let records = document.records
        var size: Int64 = 0
        for result in document.exportResults {
            let (sum, overflows) = size.addingReportingOverflow(result.size)
            guard result.size >= 0, !overflows else { return nil }
            size = sum
        }
        guard records.received >= 0, records.exported >= 0, records.skipped >= 0 else { return nil }
        return Run.Totals(
            received: UInt64(records.received), exported: UInt64(records.exported), skipped: UInt64(records.skipped),
            files: UInt32(document.exportResults.count), bytes: UInt64(size))
    }

    /// One JSON document. The same run gives the same bytes.
    var bytes: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("flowRunId", export.run.id)
            json.member("scheduledTime", export.run.startedAt.description)
            json.member("sandbox", export.sandbox)
            json.member("dataflow", export.dataflow.name)
            json.member("destination", export.destination.name)
            json.member("format", export.dataflow.format.rawValue)
            json.member("compression", export.dataflow.compression.rawValue)
            json.object("window") { json in
                json.member("afterSequence", export.run.after)
                json.member("throughSequence", export.run.through)
            }
            json.object("records") { json in
                json.member("received", totals.received)
                json.member("exported", totals.exported)
                json.member("skipped", totals.skipped)
                if let first, let last {
                    json.member("firstSequence", first.sequence)
                    json.member("lastSequence", last.sequence)
                    json.member("firstIngestedAt", first.ingestedAt.description)
                    json.member("lastIngestedAt", last.ingestedAt.description)
                }
            }
            json.array("exportResults") { json in
                for file in files {
                    json.object { json in
                        json.member("sinkPath", export.run.folder)
                        json.member("name", file.name)
                        json.member("size", file.size)
                        json.member("records", file.records)
                        json.member("sha256", hexadecimal(file.sha256))
                    }
                }
            }
            json.member("writer", "message-export \(productVersion)")
        }
        json.newline()
        return json.bytes
    }
}
