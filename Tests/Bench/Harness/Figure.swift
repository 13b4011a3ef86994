import Foundation
import SystemPackage

/// One thing that was measured: ours, beside peers and what the machine can do at best, round by round.
struct Figure: Codable {
    enum Better: String, Codable {
        case more, less
    }

    /// What ours is measured against.
    struct Other: Codable {
        enum Kind: String, Codable {
            /// A product that does the like.
            case peer
            /// What the disk, the socket, a cipher or a compressor alone can do.
            case limit
        }

        var name: String
        var kind: Kind
        var values: [Double]
        /// Ours is to be so many times that: at least where more is better, at most where less is.
        var goal: Double?

        /// Ours as so many times this, of each round.
        func ratios(of ours: [Double]) -> [Double] { zip(ours, values).map { $0 / $1 } }
    }

    /// Of the goal, such as `P1`.
    var goal: String
    var title: String
    var unit: String
    var better: Better
    var ours: [Double]
    /// What ours is to be by itself: at least where more is better, at most where less is.
    var bound: Double?
    var others: [Other] = []

    /// Whether every goal of it is reached, by the medians of the rounds.
    var isReached: Bool {
        let isBoundKept = bound.map { keeps(ours.median, $0) } ?? true
        return isBoundKept && others.allSatisfy { other in other.goal.map { keeps(other.ratios(of: ours).median, $0) } ?? true }
    }

    private func keeps(_ value: Double, _ goal: Double) -> Bool { better == .more ? value >= goal : value <= goal }

    /// For eyes: a line each.
    var text: String {
        let sign = better == .more ? "≥" : "≤"
        func verdict(_ value: Double, _ goal: Double) -> String { keeps(value, goal) ? "reached" : "MISSED" }
        var lines = ["\(goal)  \(title), \(unit), \(better.rawValue) is better"]
        let bounded = bound.map { "   goal \(sign) \(number($0)): \(verdict(ours.median, $0))" } ?? ""
        lines.append("    \(column("ours")) \(number(ours.median))  (\(number(ours.least)) to \(number(ours.most)))\(bounded)")
        for other in others {
            let ratios = other.ratios(of: ours)
            let aimed = other.goal.map { "   goal \(sign) \($0): \(verdict(ratios.median, $0))" } ?? ""
            let name = other.kind == .limit ? "limit: " + other.name : other.name
            lines.append(
                "    \(column(name)) \(number(other.values.median))  ours is \(number(ratios.median)) x (\(number(ratios.least)) to \(number(ratios.most)))\(aimed)"
            )
        }
        return lines.joined(separator: "\n")
    }

    private func column(_ text: String) -> String { text + String(repeating: " ", count: max(0, 34 - text.count)) }
}

/// What is a curve and no single number: rows of numbers, the first column what they are plotted against.
struct Curve: Codable {
    var goal: String
    /// Of its plot's file, too.
    var name: String
    var title: String
    var columns: [String]
    var rows: [[Double]]

    var text: String {
        let table = [columns] + rows.map { $0.map(number) }
        let widths = columns.indices.map { column in table.map { $0[column].count }.max() ?? 0 }
        let lines = table.map { row in
            "    " + zip(row, widths).map { String(repeating: " ", count: $1 - $0.count) + $0 }.joined(separator: "  ")
        }
        return (["\(goal)  \(title)"] + lines).joined(separator: "\n")
    }
}

/// What a run of the bench found: printed as it comes, and a file each in a folder, for the report.
struct Results {
    let folder: FilePath

    func add(_ figure: Figure) throws {
        tell(figure.text)
        try write(figure, figure.goal + "-" + figure.title)
    }

    func add(_ curve: Curve) throws {
        tell(curve.text)
        try write(curve, curve.goal + "-" + curve.name)
    }

    private func write(_ value: some Encodable, _ name: String) throws {
        let slug = name.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        try encoder.encode(value).write(to: URL(filePath: folder.appending(String(slug) + ".json").string))
    }
}

extension [Double] {
    var median: Double { isEmpty ? .nan : sorted()[count / 2] }
    var least: Double { self.min() ?? .nan }
    var most: Double { self.max() ?? .nan }
}

/// Three digits that count, and no more.
func number(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    if abs(value) >= 100 || value == value.rounded() { return String(Int(value.rounded())) }
    let digits = abs(value) >= 10 ? 10.0 : abs(value) >= 1 ? 100.0 : 1000.0
    return String((value * digits).rounded() / digits)
}

/// Prints a line at once, also where what is printed goes to a file.
func tell(_ text: String) {
    FileHandle.standardOutput.write(Data((text + "\n").utf8))
}
