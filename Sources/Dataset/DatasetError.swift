/// Why a dataset operation did not happen. Never holds content or keys.
package struct DatasetError: Error, Hashable, CustomStringConvertible {
    /// What kind of thing went wrong.
    package enum Code: String, Sendable {
        /// The dataset is closing: nothing was written.
        case closed
        /// Too much is waiting for the disk, or the disk is full: nothing is promised of the record.
        case full
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

    /// What kind of thing went wrong.
    package let code: Code
    /// What happened and where: a segment, an offset, the system's own error.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
