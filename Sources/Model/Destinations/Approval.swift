/// What the administrator lets operators deliver to.
public struct Approval: Hashable, Sendable {
    /// What is approved.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// A host that may be delivered to: `HOST`, `HOST:PORT`, or `*.DOMAIN` for all below it.
        case host
        /// A folder of the daemon's machine: destinations may be it, or below it.
        case localRoot = "local-root"
        /// A public key that files may be encrypted to, by its fingerprint.
        case openPGP = "openpgp"
    }

    /// What kind of thing it is.
    public var kind: Kind
    /// The host, the folder, or the fingerprint: 40 uppercase hexadecimal digits.
    public var value: String
    /// Of a key: whose it says that it is.
    public var label: String
    /// When it was approved.
    public var createdAt: Instant

    public init(kind: Kind, value: String, label: String = "", createdAt: Instant) {
        self.kind = kind
        self.value = value
        self.label = label
        self.createdAt = createdAt
    }

    /// A host or a folder as it is kept.
    ///
    /// - Throws: `invalidArgument` naming `value` when it is none.
    public static func canonical(_ kind: Kind, _ value: String) throws(Status) -> String {
        switch kind {
        case .host:
            let name = value.hasPrefix("*.") ? String(value.dropFirst(2)) : value
            guard let address = HostAddress(name) else {
                throw Status(
                    .invalidArgument, "not a host", field: "value",
                    hint: "as in sftp.example.com, sftp.example.com:2022 or *.amazonaws.com")
            }
            guard value == name || address.host.contains(".") else {
                throw Status(.invalidArgument, "a domain of one word is every host there is", field: "value")
            }
            return (value == name ? "" : "*.") + address.description
        case .localRoot:
            guard value.hasPrefix("/"), !value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F }) else {
                throw Status(.invalidArgument, "not an absolute path of a folder", field: "value")
            }
            let parts = value.split(separator: "/")
            guard !parts.contains(where: { $0 == "." || $0 == ".." }) else {
                throw Status(.invalidArgument, "a path with '.' or '..' in it", field: "value")
            }
            return "/" + parts.joined(separator: "/")
        case .openPGP:
            let digits = value.filter { $0 != " " }.uppercased()
            guard digits.count == 40, digits.allSatisfy(\.isHexDigit) else {
                throw Status(.invalidArgument, "not a fingerprint of 40 hexadecimal digits", field: "value")
            }
            return digits
        }
    }

    /// Whether it covers a folder.
    func covers(folder: String) -> Bool {
        kind == .localRoot && (value == "/" || folder == value || folder.hasPrefix("\(value)/"))
    }

    /// Whether it covers a host.
    func covers(_ address: HostAddress) -> Bool {
        guard kind == .host else { return false }
        let isDomain = value.hasPrefix("*.")
        guard let approved = HostAddress(isDomain ? value.dropFirst(2) : value[...]) else { return false }
        return (approved.port == nil || approved.port == address.port)
            && (isDomain ? address.host.hasSuffix(".\(approved.host)") : address.host == approved.host)
    }
}

extension [Approval] {
    /// Makes sure that the administrator approved where a destination is.
    ///
    /// - Throws: `failedPrecondition` naming the setting at fault, with the command that would approve it.
    public func require(_ settings: Destination.Settings, _ secrets: [String: Secret]) throws(Status) {
        if settings.type == .local {
            let path = settings["path"] ?? ""
            guard contains(where: { $0.covers(folder: path) }) else {
                throw Status(
                    .failedPrecondition, "the folder \(path) is not approved", field: "path",
                    hint: "an administrator approves it, or one above it: msgexport organization approve local-root \(path)")
            }
        }
        for address in try settings.addresses(secrets) where !contains(where: { $0.covers(address) }) {
            throw Status(
                .failedPrecondition, "the host \(address) is not approved", field: "settings",
                hint: "an administrator approves it: msgexport organization approve host \(address)")
        }
    }
}
