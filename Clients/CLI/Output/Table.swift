/// Rows under titles, laid out for a terminal of any width.
struct Table {
    let titles: [String]
    let rows: [[String]]

    private static let gap = 2
    /// A column narrower than this says nothing.
    private static let narrowest = 8
    private static let whole: Set = ["MESSAGE", "RUN", "TIME", "INGESTED", "STARTED", "NEXT RUN", "ID"]

    /// - Parameter width: of the terminal; nil: no terminal, everything is shown whole.
    ///
    /// Where the columns do not fit, the widest are clipped, but for ids and times, which are of no use in part; where that is not enough,
    /// each row becomes a block of lines.
    func lines(width: Int?) -> [String] {
        var widths = titles.indices.map { column in ([titles] + rows).map { DisplayWidth.of($0[column]) }.max() ?? 0 }
        if let width {
            var excess = widths.reduce(0, +) + Table.gap * (widths.count - 1) - width
            while excess > 0 {
                guard
                    let widest = widths.indices.filter({ !Table.whole.contains(titles[$0]) }).max(by: { widths[$0] < widths[$1] }
                    ), widths[widest] > Table.narrowest
                else {
                    return blocks(width: width)
                }
                widths[widest] -= 1
                excess -= 1
            }
        }
        return ([titles] + rows).map { row in
            var line = ""
            for (text, width) in zip(row, widths) {
                let clipped = DisplayWidth.clipped(text, to: width)
                line += Paint.word(clipped) + String(repeating: " ", count: width - DisplayWidth.of(clipped))
                line += String(repeating: " ", count: Table.gap)
            }
            while line.last == " " { line.removeLast() }
            return line
        }
    }

    private func blocks(width: Int) -> [String] {
        rows.enumerated().flatMap { index, row in
            (index == 0 ? [] : [""]) + Table.pairs(Array(zip(titles, row)), width: width)
        }
    }

    /// Labels and values in two columns, the values wrapped to the terminal.
    static func pairs(_ pairs: [(label: String, value: String)], width: Int?) -> [String] {
        let labelWidth = pairs.map { DisplayWidth.of($0.label) }.max() ?? 0
        guard let width else {
            return pairs.map { "\(DisplayWidth.padded($0.label, to: labelWidth))  \($0.value)" }
        }
        let room = width - labelWidth - gap
        guard room >= 2 * narrowest else {
            return pairs.flatMap { pair in
                [pair.label] + DisplayWidth.wrapped(pair.value, to: max(1, width - gap)).map { "  \(Paint.word($0))" }
            }
        }
        return pairs.flatMap { pair in
            DisplayWidth.wrapped(pair.value, to: room).enumerated().map { index, line in
                "\(DisplayWidth.padded(index == 0 ? pair.label : "", to: labelWidth))  \(Paint.word(line))"
            }
        }
    }
}
