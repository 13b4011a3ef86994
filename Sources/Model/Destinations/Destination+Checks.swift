extension Destination.Settings {
    /// Makes sure that it can be a destination: all that is required is there, of its form, and one way to sign in.
    ///
    /// - Parameter secrets: names of those that are set.
    /// - Throws: `invalidArgument` naming the setting at fault.
    public func check(secrets: Set<String>) throws(Status) {
        let backend = values["backend"]
        let options = type.options(backend: backend)
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            let option = try known(name, options)
            guard !option.isSecret else {
                throw Status(
                    .invalidArgument, "\(name) is a secret, and is not given among the settings", field: name,
                    hint: "give it as a secret")
            }
            try option.check(value)
        }
        for name in secrets.sorted() where try !known(name, options).isSecret {
            throw Status(.invalidArgument, "\(name) is no secret", field: name, hint: "give it among the settings")
        }
        for option in options where option.isRequired && values[option.name] == nil && !secrets.contains(option.name) {
            throw Status(
                .invalidArgument, "\(option.name) is missing", field: option.name, hint: option.help, reason: .missing)
        }
        try checkSignIn(Set(values.keys).union(secrets))
        try checkTogether(secrets)
    }

    private func known(_ name: String, _ options: [DestinationOption]) throws(Status) -> DestinationOption {
        guard let option = options.first(where: { $0.name == name }) else {
            let kind = [type.rawValue, values["backend"]].compactMap(\.self).joined(separator: " ")
            throw Status(
                .invalidArgument, "a destination of type \(kind) has no setting \(name)", field: name,
                hint: "it has \(options.map(\.name).joined(separator: ", "))", reason: .unknown)
        }
        return option
    }

    private func checkSignIn(_ set: Set<String>) throws(Status) {
        let ways = type.waysToSignIn()
        guard !ways.isEmpty else { return }
        let begun = ways.filter { !set.isDisjoint(with: $0) }
        let choice = ways.map { $0.joined(separator: " and ") }.joined(separator: ", or ")
        guard let way = begun.first else {
            throw Status(.invalidArgument, "nothing to sign in with", field: ways[0][0], hint: "set \(choice)", reason: .missing)
        }
        guard begun.count == 1 else {
            throw Status(
                .invalidArgument, "more than one way to sign in", field: begun[1][0], hint: "set \(choice)", reason: .conflict)
        }
        if let missing = way.first(where: { !set.contains($0) }) {
            throw Status(.invalidArgument, "\(missing) is missing", field: missing, hint: "set \(choice)", reason: .missing)
        }
    }

    private func checkTogether(_ secrets: Set<String>) throws(Status) {
        if type == .azureBlob, values["endpoint"] != nil, secrets.contains("sas_url") {
            throw Status(
                .invalidArgument, "sas_url is an address already", field: "endpoint", hint: "take endpoint away",
                reason: .conflict)
        }
        if values["kms_key_id"] != nil, values["server_side_encryption"] != "aws:kms" {
            throw Status(
                .invalidArgument, "a KMS key is used by server_side_encryption aws:kms alone", field: "kms_key_id",
                reason: .conflict)
        }
        if type == .gcs, values["access_key_id"] != nil, values["storage_class"] != nil {
            throw Status(
                .invalidArgument, "storage_class needs a service account: with HMAC keys it is the bucket's",
                field: "storage_class",
                reason: .conflict)
        }
    }

    /// With what is given of a change: an empty value is taken away, and whoever changes how to sign in need not take away the old way.
    ///
    /// - Parameters:
    ///   - secrets: those that are set, or are to be taken away.
    /// - Returns: the new settings, and the names of secrets that are not needed any more.
    public func changed(_ change: [String: String], secrets: [String: Secret]) -> (settings: Self, dropped: Set<String>) {
        var changed = self
        let given = Set(change.filter { !$0.value.isEmpty }.keys).union(secrets.filter { !$0.value.text.isEmpty }.keys)
        let ways = type.waysToSignIn(backend: values["backend"])
        let isOtherWay = ways.contains { !given.isDisjoint(with: $0) }
        let others = isOtherWay ? ways.filter { given.isDisjoint(with: $0) }.flatMap(\.self) : []
        for name in others { changed.values[name] = nil }
        for (name, value) in change { changed.values[name] = value.isEmpty ? nil : value }
        let emptied = secrets.filter { $0.value.text.isEmpty }.keys
        return (changed, Set(others).union(emptied))
    }

    /// Whether files go elsewhere than with other settings.
    public func isElsewhere(than other: Self) -> Bool {
        type != other.type
            || type.options(backend: values["backend"]).contains { $0.part == .place && values[$0.name] != other.values[$0.name] }
    }

    /// The hosts that are spoken to; empty for folders of this machine.
    ///
    /// - Throws: `invalidArgument` naming the setting that no host can be told from.
    public func addresses(_ secrets: [String: Secret]) throws(Status) -> [HostAddress] {
        let signIn = try signInAddresses(secrets)
        if let endpoint = values["endpoint"] { return [try address("endpoint", endpoint)] + signIn }
        switch type {
        case .local: return []
        case .s3: return [HostAddress(host: "s3.\(self["region"] ?? "").amazonaws.com", port: nil)] + signIn
        case .gcs: return [HostAddress(host: "storage.googleapis.com", port: nil)] + signIn
        case .azureBlob: return [try azureAddress(secrets)]
        case .adlsGen2, .dataLandingZone:
            return [HostAddress(host: "\(values["account"] ?? "").blob.core.windows.net", port: nil)] + signIn
        case .sftp: return [HostAddress(host: values["host"] ?? "", port: UInt16(self["port"] ?? ""))]
        case .rclone: return try rcloneAddresses()
        }
    }

    /// Those that are signed in at, where that is elsewhere.
    private func signInAddresses(_ secrets: [String: Secret]) throws(Status) -> [HostAddress] {
        switch type {
        case .s3 where values["role_arn"] != nil: [HostAddress(host: "sts.amazonaws.com", port: nil)]
        case .gcs where values["access_key_id"] == nil:
            [try ServiceAccountKey(secrets["service_account"]?.text ?? "").tokenAddress]
        case .adlsGen2: [HostAddress(host: "login.microsoftonline.com", port: nil)]
        default: []
        }
    }

    private func rcloneAddresses() throws(Status) -> [HostAddress] {
        switch values["backend"] {
        case "webdav": [try address("url", values["url"] ?? "")]
        case "swift": [try address("auth", values["auth"] ?? "")]
        case "b2": [HostAddress(host: "api.backblazeb2.com", port: nil)]
        default: [HostAddress(host: values["host"] ?? "", port: UInt16(self["port"] ?? ""))]
        }
    }

    private func address(_ name: String, _ url: String) throws(Status) -> HostAddress {
        guard let address = HostAddress(url: url) else { throw Status(.invalidArgument, "no host in it", field: name) }
        return address
    }

    private func azureAddress(_ secrets: [String: Secret]) throws(Status) -> HostAddress {
        if let url = secrets["sas_url"]?.text {
            let place = url.split(separator: "?", maxSplits: 1).first.map(String.init) ?? ""
            guard let address = HostAddress(url: place), address.isEncrypted || address.isThisMachine, url.contains("sig=") else {
                throw Status(.invalidArgument, "not an https address with a signature", field: "sas_url")
            }
            return address
        }
        let account = try ConnectionString(secrets["connection_string"]?.text ?? "")
        return try address("connection_string", account.endpoint)
    }
}
