import Model
import RPC

/// What somebody may do in a sandbox or, of `administer`, in the organization.
struct Rights: OptionSet, Hashable, Sendable {
    let rawValue: UInt8

    static let ingest = Rights(rawValue: 1 << 0)
    /// Names, states, counts, runs, status.
    static let view = Rights(rawValue: 1 << 1)
    /// Configurations, destinations, dataflows, runs.
    static let change = Rights(rawValue: 1 << 2)
    /// Content, and the sandbox's audit.
    static let read = Rights(rawValue: 1 << 3)
    /// Sandboxes, grants, entitlement, the organization's audit.
    static let administer = Rights(rawValue: 1 << 4)

    /// The table of roles.
    init(_ role: Role) {
        switch role {
        case .sender: self = .ingest
        case .viewer: self = .view
        case .operator: self = [.view, .change]
        case .auditor: self = [.view, .read]
        case .administrator: self = [.view, .administer]
        }
    }

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }
}

/// Who has which rights, as requests look it up.
struct RightsTable: Hashable, Sendable {
    private var ofUser: [UInt32: Rights] = [:]
    private var ofGroup: [UInt32: Rights] = [:]

    static let none = RightsTable([])

    init(_ grants: [Grant]) {
        for grant in grants {
            switch grant.subject {
            case .user(let id): ofUser[id, default: []].formUnion(Rights(grant.role))
            case .group(let id): ofGroup[id, default: []].formUnion(Rights(grant.role))
            }
        }
    }

    /// What a peer may do, by its user and all its groups.
    func rights(of peer: Peer) -> Rights {
        // An id that the kernel cannot express here stands for anybody: it gets nothing.
        guard peer.uid != OverflowID.user else { return [] }
        var rights = ofUser[peer.uid] ?? []
        guard !ofGroup.isEmpty else { return rights }
        for group in CollectionOfOne(peer.gid) + peer.groups where group != OverflowID.group {
            rights.formUnion(ofGroup[group] ?? [])
        }
        return rights
    }
}
