import Formats
import Model

/// What a run delivered, written last: a folder without it holds an unfinished run.
package struct Manifest: Sendable {
    /// One delivered data file.
    package struct File: Sendable {
        package let name: String
        package let size: Int64
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

    var name: String { "manifest-\(export.destination.id)-\(export.run.id).json" }

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
