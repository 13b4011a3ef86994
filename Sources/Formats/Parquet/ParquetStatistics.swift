/// The bounds of a column's values in a row group, by which readers pass over what they need not read.
struct ParquetStatistics: Sendable {
    private enum Bounds: Sendable {
        case none
        case numbers(Int64, Int64)
        case flags(Bool, Bool)
        case bytes([UInt8], [UInt8])
        /// Some value is too long to be told.
        case unknown
    }

    /// Values that are not there.
    var absent = 0
    private var bounds = Bounds.none

    mutating func include(_ number: Int64) {
        if case .numbers(let low, let high) = bounds {
            bounds = .numbers(min(low, number), max(high, number))
        } else {
            bounds = .numbers(number, number)
        }
    }

    mutating func include(_ flag: Bool) {
        if case .flags(let low, let high) = bounds {
            bounds = .flags(low && flag, high || flag)
        } else {
            bounds = .flags(flag, flag)
        }
    }

    mutating func include(_ value: UnsafeRawBufferPointer) {
        switch bounds {
        case .unknown: return
        case _ where value.count > ParquetLimits.statisticsBytes: bounds = .unknown
        case .bytes(let low, let high):
            if value.lexicographicallyPrecedes(low) {
                bounds = .bytes(Array(value), high)
            } else if high.lexicographicallyPrecedes(value) {
                bounds = .bytes(low, Array(value))
            }
        default: bounds = .bytes(Array(value), Array(value))
        }
    }

    /// The lowest and the highest value, encoded plainly without lengths; nil: not told.
    var range: (low: [UInt8], high: [UInt8])? {
        switch bounds {
        case .none, .unknown: return nil
        case .numbers(let low, let high):
            var bytes: ([UInt8], [UInt8]) = ([], [])
            bytes.0.append(littleEndian: low)
            bytes.1.append(littleEndian: high)
            return bytes
        case .flags(let low, let high): return ([low ? 1 : 0], [high ? 1 : 0])
        case .bytes(let low, let high): return (low, high)
        }
    }
}
