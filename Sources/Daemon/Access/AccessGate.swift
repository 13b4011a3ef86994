import Messages
import Model
import RPC

/// Decides who may do what: the one place, for every request, by the snapshot of the moment.
struct AccessGate: Sendable {
    let directory: SandboxDirectory
    let refusals: Refusals

    /// The sandbox of a request, for somebody who may do this there. An empty name is the default one or, on a socket of one sandbox,
    /// that one.
    ///
    /// - Throws: `permissionDenied`, the same whether the sandbox does not exist or may not be used; `unavailable` while it is made or
    ///   emptied.
    func admit(_ call: Call, to name: String, for right: Rights) throws(Status) -> SandboxDirectory.Entry {
        let confined = call.peer.sandbox
        let name = name.isEmpty ? confined ?? defaultSandbox : name
        let snapshot = directory.snapshot
        let entry = name.utf8.count <= Limits.nameBytes ? snapshot.entries[name] : nil
        // Looked up whether it exists or not: the answer takes the same time.
        let granted = (entry?.rights ?? .none).rights(of: call.peer)
        let administers = snapshot.administrators.rights(of: call.peer).contains(.administer)
        var rights = administers ? granted.union(.view) : granted
        if let confined {
            rights = name == confined && call.peer.uid != OverflowID.user ? .ingest : []
        }
        guard let entry, rights.isSuperset(of: right) else {
            refusals.add(call, chain: entry?.sandbox.id ?? "")
            if let entry, !granted.isEmpty, confined == nil { throw Self.lacking(right, in: entry.sandbox, of: call.peer) }
            throw Status(
                .permissionDenied, "sandbox \(shown(name)) does not exist or may not be used by you for this", field: "sandbox",
                hint:
                    "an administrator can give you a role there: msgexport access grant ROLE --user \(call.peer.uid) --sandbox NAME"
            )
        }
        guard entry.sandbox.state == .active else {
            throw Status(
                .unavailable, "sandbox \(name) is being made or emptied (\(entry.sandbox.state.rawValue))", hint: "try again")
        }
        return entry
    }

    /// For somebody who has a role in a sandbox, and needs another one.
    private static func lacking(_ right: Rights, in sandbox: Sandbox, of peer: Peer) -> Status {
        let role: Role =
            right.contains(.ingest) ? .sender : right.contains(.read) ? .auditor : right.contains(.change) ? .operator : .viewer
        return Status(
            .permissionDenied, "user \(peer.uid) has not the role \(role.rawValue) in sandbox \(sandbox.name)", field: "sandbox",
            hint:
                "an administrator can give it: msgexport access grant \(role.rawValue) --user \(peer.uid) --sandbox \(sandbox.name)"
        )
    }

    /// Lets somebody pass who may do this in the organization.
    /// - Throws: `permissionDenied`.
    func admitToOrganization(_ call: Call, for right: Rights) throws(Status) {
        guard call.peer.sandbox == nil, directory.snapshot.administrators.rights(of: call.peer).isSuperset(of: right) else {
            refusals.add(call, chain: "")
            throw Status(
                .permissionDenied, "this is for administrators",
                hint: "an administrator can make you one: msgexport access grant administrator --user U")
        }
    }

    /// Those that somebody may see, by name.
    func visible(to call: Call) -> [SandboxDirectory.Entry] {
        let snapshot = directory.snapshot
        guard call.peer.sandbox == nil else { return [] }
        let administers = snapshot.administrators.rights(of: call.peer).contains(.administer)
        return snapshot.entries.values.filter { administers || $0.rights.rights(of: call.peer).contains(.view) }
            .sorted { $0.sandbox.name < $1.sandbox.name }
    }

    private func shown(_ name: String) -> String { name.utf8.count <= Limits.nameBytes ? name : "of so long a name" }
}
