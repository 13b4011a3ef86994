import Glibc

/// A random number generator that can be repeated: SplitMix64.
package struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// The seed of a random test: new each time, or the one in `SEED`. Name it in every expectation, so that a failure can be repeated.
package func testSeed() -> UInt64 {
    if let given = getenv("SEED"), let seed = UInt64(String(cString: given)) { return seed }
    return UInt64.random(in: 1...999_999)
}

extension RandomNumberGenerator {
    /// That many random bytes: nothing compresses or repeats them.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &self) }
    }
}
