package import Model

/// The name of a segment: 16 random bytes, unique for ever.
package struct SegmentID: Hashable, Sendable, CustomStringConvertible {
    private let number: Fingerprint

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.write(number)
        return writer.bytes
    }

    /// Nil when there are not exactly 16 bytes.
    init?(_ bytes: some Sequence<UInt8>) {
        var reader = ByteReader(Array(bytes)[...])
        guard let number = reader.readFingerprint(), reader.remaining == 0 else { return nil }
        self.number = number
    }

    private init(_ number: Fingerprint) {
        self.number = number
    }

    static func random() -> SegmentID {
        SegmentID(Fingerprint(high: .random(in: .min ... .max), low: .random(in: .min ... .max)))
    }

    /// Thirty-two hexadecimal digits.
    package var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// What a segment is, fixed when it is made; authenticated with its key and with every batch.
package struct SegmentIdentity: Hashable, Sendable {
    /// Random, and never given again.
    package let id: SegmentID
    /// Id of the sandbox whose dataset it belongs to, and that dataset's life between resets.
    package let sandbox: String
    /// The dataset's life between resets, from 1.
    package let epoch: UInt32
    /// Time zone of the day, such as `UTC`.
    package let zone: String
    /// The day that all of its records were ingested on.
    package let day: Day
    /// From this instant on nothing shows its records.
    package let expiry: Instant
    /// The segments whose records it took over.
    package let replaces: [SegmentID]

    /// The name its two files share; sorts by day.
    package var fileName: String { "\(day)-\(id)" }

    /// ```
    /// segment id 16 | epoch u32 | day i64 | expiry i64 (ms) | sandbox u16+n | zone u16+n | count u16, then ids of 16
    /// ```
    var encoded: [UInt8] {
        var writer = ByteWriter()
        writer.write(id.bytes)
        writer.write(epoch)
        writer.write(day.number)
        writer.write(expiry.milliseconds)
        writer.writeShort(sandbox)
        writer.writeShort(zone)
        writer.write(UInt16(replaces.count))
        for replaced in replaces { writer.write(replaced.bytes) }
        return writer.bytes
    }

    init(id: SegmentID, sandbox: String, epoch: UInt32, zone: String, day: Day, expiry: Instant, replaces: [SegmentID] = []) {
        self.id = id
        self.sandbox = sandbox
        self.epoch = epoch
        self.zone = zone
        self.day = day
        self.expiry = expiry
        self.replaces = replaces
    }

    /// Nil when the bytes are not exactly one identity.
    init?(encoded: ArraySlice<UInt8>) {
        var reader = ByteReader(encoded)
        guard let idBytes = reader.read(16), let id = SegmentID(idBytes), let epoch = reader.read(UInt32.self),
            let day = reader.read(Int64.self), let expiry = reader.read(Int64.self), let sandbox = reader.readShort(),
            let zone = reader.readShort(), let count = reader.read(UInt16.self)
        else { return nil }
        var replaces: [SegmentID] = []
        for _ in 0..<count {
            guard let bytes = reader.read(16), let replaced = SegmentID(bytes) else { return nil }
            replaces.append(replaced)
        }
        guard reader.remaining == 0 else { return nil }
        self.init(
            id: id, sandbox: sandbox, epoch: epoch, zone: zone, day: Day(number: day), expiry: Instant(milliseconds: expiry),
            replaces: replaces)
    }
}
