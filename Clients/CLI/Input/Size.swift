import ArgumentParser

/// How many bytes.
enum Size {
    private static let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]

    /// What an argument names: a number of bytes, or one with a unit of 1024; `K`, `M`, `G` and so on are the same units.
    static func argument(_ text: String) throws -> UInt64 {
        let unit = text.drop(while: \.isWholeNumber).lowercased()
        let power = unit.isEmpty ? 0 : units.firstIndex { unit == $0.lowercased() || unit == $0.prefix(1).lowercased() }
        guard let power, let number = UInt64(text.dropLast(unit.count)), number.leadingZeroBitCount >= 10 * power else {
            throw ValidationError("'\(text)' is no size such as 64MiB, 1GiB or 1073741824")
        }
        return number << (10 * power)
    }

    /// For people: rounded to three digits at most, such as `1.5 GiB`.
    static func text(_ bytes: UInt64) -> String {
        var (value, unit) = (Double(bytes), 0)
        while value >= 999.5, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        let digits = unit > 0 && value < 9.95 ? String((value * 10).rounded() / 10) : String(Int(value.rounded()))
        return "\(digits) \(units[unit])"
    }
}
