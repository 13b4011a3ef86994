import Catalog
import Dataset
import Disk
import Model
import RPC

// The one place where errors of the modules become statuses of calls.

extension Status {
    init(_ error: DatasetError) {
        switch error.code {
        case .closed: self = .stopping
        case .full: self.init(.resourceExhausted, error.message, hint: "free space, or try again later", reason: .temporary)
        case .quota:
            self.init(.resourceExhausted, error.message, hint: "an administrator may allow more (msgexport sandbox edit)")
        case .conflict: self.init(.alreadyExists, error.message, field: "message_id", hint: "give each message an id of its own")
        case .io:
            self.init(.unavailable, error.message, hint: "the message may be stored or not: the same message again settles it")
        case .corrupt: self.init(.dataLoss, error.message)
        case .unsupportedVersion: self.init(.failedPrecondition, error.message, hint: "use the newer program")
        case .wrongMasterKey: self.init(.failedPrecondition, error.message, hint: "name the right key file with --master-key")
        }
    }

    init(_ error: CatalogError) {
        switch error.code {
        case .notFound: self.init(.notFound, error.message, field: error.field)
        case .alreadyExists: self.init(.alreadyExists, error.message, field: error.field)
        case .failedPrecondition: self.init(.failedPrecondition, error.message, field: error.field)
        case .newerVersion: self.init(.failedPrecondition, error.message, hint: "use the newer program")
        case .aborted: self.init(.aborted, error.message, hint: "look at it again, and decide anew", reason: .conflict)
        case .io: self.init(.unavailable, error.message)
        case .limit: self.init(.resourceExhausted, error.message, hint: "use one that is there")
        case .full:
            self.init(
                .resourceExhausted, error.message, hint: "free space on the data folder's disk", reason: .temporary)
        }
    }

    init(_ error: DiskError) {
        self.init(.unavailable, "\(error)", hint: "check the folder and its permissions")
    }
}
