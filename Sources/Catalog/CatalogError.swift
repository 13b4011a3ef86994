import GRDB

/// Why a catalog operation did not happen; nothing was changed.
package struct CatalogError: Error, Hashable, CustomStringConvertible {
    /// What kind of thing went wrong.
    package enum Code: String, Sendable {
        case notFound
        case alreadyExists
        /// It is in a state that does not allow this.
        case failedPrecondition
        /// The file was made by a newer version of this program.
        case newerVersion
        /// SQLite could not read or write.
        case io
        case full
        /// The sandbox has as many as it may have.
        case limit
        /// Somebody else changed it first.
        case aborted
    }

    /// What kind of thing went wrong.
    package let code: Code
    /// What was wrong, for people.
    package let message: String
    /// The field of the request it is about.
    package let field: String?

    /// An error of the catalog's, or of who works with it.
    package init(_ code: Code, _ message: String, field: String? = nil) {
        self.code = code
        self.message = message
        self.field = field
    }

    /// SQLite's own words, without the statement and its values.
    init(_ error: any Error) {
        switch error {
        case let error as CatalogError: self = error
        case let error as DatabaseError:
            let code: Code = error.resultCode == .SQLITE_FULL ? .full : .io
            self.init(code, "the catalog cannot be used: \(error.message ?? "SQLite error \(error.extendedResultCode.rawValue)")")
        default: self.init(.io, "the catalog cannot be used: \(type(of: error))")
        }
    }

    package var description: String { message }
}
