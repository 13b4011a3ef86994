import Disk
import SystemPackage

/// Walks through a data file that a stop of any kind may have left behind.
struct SegmentScan {
    /// A stretch of the file that holds no readable batch.
    struct Damage: Hashable, CustomStringConvertible {
        let offset: Int64
        /// The batch's own header, where that can still be trusted.
        let header: Batch.Header?
        /// The last thing in the file: the write under way when the daemon stopped, or the last batch damaged since.
        var isTail: Bool

        var description: String {
            let records =
                header.map { "\($0.count) records, sequences \($0.firstSequence) to \($0.lastSequence)" } ?? "unknown records"
            return isTail
                ? "cut at byte \(offset): the last batch was not written whole (\(records); possibly acknowledged)"
                : "damaged at byte \(offset): \(records) lost, all other batches are intact"
        }
    }

    private(set) var batches: [BatchLocation] = []
    private(set) var records: [Recovery.Record] = []
    private(set) var damage: [Damage] = []
    private var nextOrdinal: UInt64 = 0
    /// Where the last batch that has a trusted header ends.
    private var end: Int64 = 0
    /// Whether what lies between `end` and here is in `damage` already.
    private var isNoted = false

    /// Finds every batch that opens, and every stretch that should be one and is not. A block that cannot be read counts as damage.
    static func run(_ segment: Segment) throws(DiskError) -> SegmentScan {
        var scan = SegmentScan()
        let size = try segment.file.size()
        var offset: Int64 = 0
        while offset < size {
            let block = try read(segment, at: offset)
            guard let block, let header = Batch.Header(block[...], segment: segment.identity.id, key: segment.keys.headers),
                header.ordinal >= scan.nextOrdinal
            else {
                if block?.contains(where: { $0 != 0 }) != false { scan.note(offset) }
                offset += Int64(Batch.blockSize)
                continue
            }
            scan.take(BatchLocation(header: header, offset: offset), of: segment)
            offset += header.extent
        }
        return scan
    }

    private static func read(_ segment: Segment, at offset: Int64) throws(DiskError) -> [UInt8]? {
        do {
            return try segment.file.read(Batch.blockSize, at: offset)
        } catch  where error.errno == .ioError {
            return nil
        }
    }

    private mutating func note(_ offset: Int64) {
        guard !isNoted else { return }
        damage.append(Damage(offset: offset, header: nil, isTail: true))
        isNoted = true
    }

    private mutating func take(_ location: BatchLocation, of segment: Segment) {
        // Ordinals have no gaps: a batch that is gone without a trace, its blocks all zero, is noticed by the next one.
        if location.header.ordinal > nextOrdinal { note(end) }
        // A batch is begun only when all before it are durable: what lies before this one is no tail.
        for index in damage.indices { damage[index].isTail = false }
        isNoted = false
        nextOrdinal = location.header.ordinal + 1
        end = location.offset + location.header.extent
        do {
            records += try segment.records(of: location).map(Recovery.Record.init)
            batches.append(location)
        } catch {
            damage.append(Damage(offset: location.offset, header: location.header, isTail: true))
        }
    }
}
