import Disk
import SystemPackage

/// Why a dataset operation did not happen. Never holds content or keys.
package struct DatasetError: Error, Hashable, CustomStringConvertible {
    /// What kind of thing went wrong.
    package enum Code: String, Sendable {
        /// The dataset is closing: nothing was written.
        case closed
        /// Too much is waiting for the disk, or the disk is full: nothing is promised of the record.
        case full
        /// The sandbox has what it may have: nothing was written.
        case quota
        /// A record of the same submitter and id, but with other content, is retained.
        case conflict
        /// The disk failed: the record may or may not be retained; the same submission again settles it.
        case io
        /// Bytes on disk are not what was written there.
        case corrupt
        /// A file of a newer format than this program knows.
        case unsupportedVersion
        /// The files were made under another master key.
        case wrongMasterKey
    }

    /// What was to be read, where it was a segment.
    struct Source: Hashable {
        let segment: SegmentID
        /// Its index, which can be made again; else its data.
        let isIndex: Bool
    }

    /// What kind of thing went wrong.
    package let code: Code
    /// What happened and where: a segment, an offset, the system's own error.
    package let message: String
    let source: Source?
    /// The disk could not read it, this time: it need not be damaged.
    let mayPass: Bool

    /// An error that is not of one segment.
    package init(_ code: Code, _ message: String) {
        self.init(code, message, source: nil)
    }

    init(_ code: Code, _ message: String, source: Source?, mayPass: Bool = false) {
        self.mayPass = mayPass
        self.code = code
        self.message = message
        self.source = source
    }

    static func damagedIndex(_ segment: SegmentIdentity, _ path: FilePath) -> DatasetError {
        DatasetError(.corrupt, "index \(path) is damaged", source: Source(segment: segment.id, isIndex: true))
    }

    package var description: String { message }
}

/// Does what reads a segment's files: a sector that cannot be read is damage like any other.
func unlessDiskFails<Value>(
    _ segment: SegmentIdentity, isIndex: Bool = false, _ body: () throws(DiskError) -> Value
) throws(DatasetError) -> Value {
    do {
        return try body()
    } catch {
        throw DatasetError(
            error.errno == .ioError ? .corrupt : .io, "\(error)", source: .init(segment: segment.id, isIndex: isIndex),
            mayPass: error.errno == .ioError)
    }
}
