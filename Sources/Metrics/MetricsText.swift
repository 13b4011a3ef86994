/// Text of metrics as OpenMetrics 1.0 has it (https://prometheus.io/docs/specs/om/open_metrics_spec/): families, one after the other, and
/// an end mark.
package struct MetricsText {
    /// A sample's labels: names with values.
    package typealias Labels = [(String, String)]

    private enum Kind: String { case counter, gauge, histogram, info }

    private var text = ""

    package init() {}

    /// The content type that goes with it.
    package static let contentType = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    /// Ends the text.
    package var finished: String { text + "# EOF\n" }

    /// A family of numbers that only grow.
    ///
    /// - Parameter name: without `_total`, which its samples get.
    package mutating func counter(_ name: String, _ help: String, _ samples: [(labels: Labels, value: UInt64)]) {
        begin(name, .counter, help)
        for sample in samples { add("\(name)_total", sample.labels, "\(sample.value)") }
    }

    /// A family of numbers that go up and down.
    package mutating func gauge(_ name: String, _ help: String, _ samples: [(labels: Labels, value: Double)]) {
        begin(name, .gauge, help)
        for sample in samples { add(name, sample.labels, Self.number(sample.value)) }
    }

    /// A family of one number of seconds that only grows.
    package mutating func seconds(_ name: String, _ help: String, _ value: Double) {
        begin(name, .counter, help)
        add("\(name)_total", [], Self.number(value))
    }

    /// A family of one fact, told by its labels.
    package mutating func info(_ name: String, _ help: String, _ labels: Labels) {
        begin(name, .info, help)
        add("\(name)_info", labels, "1")
    }

    /// A family of histograms.
    ///
    /// - Parameter scale: what one of what was observed is in the family's unit: 1e-9 for nanoseconds in seconds.
    package mutating func histogram(
        _ name: String, _ help: String, scale: Double, _ samples: [(labels: Labels, reading: Histogram.Reading)]
    ) {
        begin(name, .histogram, help)
        for (labels, reading) in samples {
            var count: UInt64 = 0
            for (index, inBucket) in reading.counts.enumerated() {
                count += inBucket
                let bound = index < reading.bounds.count ? Self.number(Double(reading.bounds[index]) * scale) : "+Inf"
                add("\(name)_bucket", labels + [("le", bound)], "\(count)")
            }
            add("\(name)_count", labels, "\(count)")
            add("\(name)_sum", labels, Self.number(Double(reading.sum) * scale))
        }
    }

    private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        text += "# TYPE \(name) \(kind.rawValue)\n"
        if let unit = ["seconds", "bytes"].first(where: { name.hasSuffix("_\($0)") }) { text += "# UNIT \(name) \(unit)\n" }
        text += "# HELP \(name) \(Self.escaped(help))\n"
    }

    private mutating func add(_ name: String, _ labels: Labels, _ value: String) {
        text += name
        if !labels.isEmpty { text += "{" + labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",") + "}" }
        text += " \(value)\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    /// Without a trail of nines: 1e-9 times 250000 is 0.00025.
    private static func number(_ value: Double) -> String {
        guard value.isFinite else { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
        let rounded = (value * 1e9).rounded() / 1e9
        return rounded == rounded.rounded() && abs(rounded) < 1e15 ? "\(Int64(rounded))" : "\(rounded)"
    }
}
