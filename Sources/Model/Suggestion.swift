/// The name that somebody who misspelt one probably meant.
public enum Suggestion {
    /// The nearest of `names`, if any is near: a third of its letters may be wrong.
    public static func nearest(to name: String, among names: [String]) -> String? {
        let near = names.map { ($0, distance(Array(name.lowercased()), Array($0.lowercased()))) }
        return near.filter { $0.1 <= max(1, name.count / 3) }.min { $0.1 < $1.1 }?.0
    }

    /// Letters to insert, remove, replace or swap with their neighbour to make one of the other.
    private static func distance(_ left: [Character], _ right: [Character]) -> Int {
        var rows = [Array(0...right.count)]
        for (i, letter) in left.enumerated() {
            var row = [i + 1]
            for (j, other) in right.enumerated() {
                var best = min(rows[i][j] + (letter == other ? 0 : 1), rows[i][j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, letter == right[j - 1], left[i - 1] == other { best = min(best, rows[i - 1][j - 1] + 1) }
                row.append(best)
            }
            rows.append(row)
        }
        return rows[left.count][right.count]
    }
}
