package import Model

/// A destination in rclone's words: all of it in the environment of its process, as `--config ""` lets it have no other.
package struct RcloneSettings: Sendable {
    /// What the store has of a file beside its size, for comparison.
    package enum Checksum: String, Sendable {
        case md5
        case sha1
    }

    /// Variables that describe the remote `D`.
    package private(set) var environment: [String: String] = [:]
    /// Files in memory, by the variable that names their path.
    package private(set) var files: [String: [UInt8]] = [:]
    /// Options of the command line.
    package private(set) var options: [String] = []
    /// The destination's own folder on the remote, such as `bucket/path`; empty: its root.
    package let root: String
    /// What must be there, as rclone would make it: a folder, or a container; nil: it makes nothing, or there is nothing to make.
    package private(set) var requiredPlace: String?
    /// Whether names are given by renaming: files of an object store are whole or not there.
    package private(set) var isRenaming = false
    /// What the store has of whole files; nil: nothing.
    package private(set) var checksum: Checksum?
    /// Values that nothing may tell.
    package private(set) var hidden: [String]
    /// The secret that rclone wants obscured, which only it does, and the variable that it goes to.
    package private(set) var obscured: (variable: String, secret: Secret)?

    private let version: Rclone.Version

    /// - Parameter version: whose words it is put into.
    /// - Throws: `invalidArgument` naming the secret that is none, or what that rclone cannot be told.
    package init(
        _ settings: Destination.Settings, _ secrets: [String: Secret], _ version: Rclone.Version
    ) throws(Status) {
        self.version = version
        hidden = secrets.values.map(\.text)
        let place = settings.values["bucket"] ?? settings.values["container"]
        root = [place, settings.values["path"]].compactMap(\.self).joined(separator: "/")
        switch settings.type {
        case .local: preconditionFailure("a folder of this machine needs no rclone")
        case .s3: s3(settings, secrets)
        case .gcs: gcs(settings, secrets)
        case .azureBlob, .adlsGen2, .dataLandingZone: try azure(settings, secrets)
        case .sftp: sftp(settings, secrets)
        case .rclone: backend(settings, secrets)
        }
        if isRenaming, !root.isEmpty { requiredPlace = root }
        if let rate = settings.values["bandwidth_limit"] { options += ["--bwlimit", rate] }
    }

    private mutating func set(_ name: String, _ value: String?) {
        if let value { environment["RCLONE_CONFIG_D_\(name.uppercased())"] = value }
    }

    /// Small files go up whole, so that the store has their checksum; of larger ones it is given that of each part.
    private mutating func objects(_ checksum: Checksum) {
        self.checksum = checksum
        options += ["--streaming-upload-cutoff", "\(Limits.uploadWholeBytes)B"]
    }

    private mutating func s3(_ settings: Destination.Settings, _ secrets: [String: Secret]) {
        set("type", "s3")
        let endpoint = settings.values["endpoint"]
        set("provider", endpoint == nil ? "AWS" : "Other")
        set("endpoint", endpoint)
        set("force_path_style", endpoint == nil ? "false" : "true")
        set("region", settings["region"])
        set("no_check_bucket", "true")
        set("storage_class", settings.values["storage_class"])
        set("server_side_encryption", settings.values["server_side_encryption"])
        set("sse_kms_key_id", settings.values["kms_key_id"])
        set("access_key_id", settings.values["access_key_id"])
        set("secret_access_key", secrets["secret_access_key"]?.text)
        if settings.values["access_key_id"] == nil { set("env_auth", "true") }
        if let role = settings.values["role_arn"] {
            environment["AWS_ROLE_ARN"] = role
            environment["AWS_WEB_IDENTITY_TOKEN_FILE"] = settings.values["web_identity_token_file"]
            environment["AWS_ROLE_SESSION_NAME"] = "message-export"
            environment["AWS_REGION"] = settings["region"]
        }
        // Parts are held in memory while they go up: four at a time, and 10,000 of them are the largest file there can be.
        set("chunk_size", "16Mi")
        objects(.md5)
    }

    private mutating func gcs(_ settings: Destination.Settings, _ secrets: [String: Secret]) {
        if let account = secrets["service_account"] {
            set("type", "google cloud storage")
            set("service_account_credentials", account.text)
            set("storage_class", settings.values["storage_class"])
            set("bucket_policy_only", "true")
            // Its library wants the interface's path with it.
            set("endpoint", settings.values["endpoint"].map { "\($0.hasSuffix("/") ? String($0.dropLast()) : $0)/storage/v1/" })
        } else {
            set("type", "s3")
            set("provider", "Other")
            set("endpoint", settings.values["endpoint"] ?? "https://storage.googleapis.com")
            set("access_key_id", settings.values["access_key_id"])
            set("secret_access_key", secrets["secret_access_key"]?.text)
        }
        set("no_check_bucket", "true")
        objects(.md5)
    }

    private mutating func azure(_ settings: Destination.Settings, _ secrets: [String: Secret]) throws(Status) {
        set("type", "azureblob")
        set("access_tier", settings.values["access_tier"])
        let account = settings.values["account"] ?? ""
        let standard = "https://\(account).blob.core.windows.net"
        objects(.md5)
        if let token = secrets["sas_token"]?.text {
            let signature = token.hasPrefix("?") ? String(token.dropFirst()) : token
            hidden.append(signature)
            let container = settings.values["container"] ?? ""
            set("sas_url", "\(settings.values["endpoint"] ?? standard)/\(container)?\(signature)")
            return
        }
        if let url = secrets["sas_url"]?.text { return set("sas_url", url) }
        requiredPlace = settings.values["container"]
        if settings.type == .adlsGen2 {
            // It reads these from a file alone.
            files["RCLONE_CONFIG_D_SERVICE_PRINCIPAL_FILE"] =
                Array(
                    (#"{"appId":"\#(settings.values["client_id"] ?? "")","password":\#(quoted(secrets["client_secret"]?.text ?? "")),"#
                        + #""tenant":"\#(settings.values["tenant_id"] ?? "")"}"#).utf8)
            try azureAccount(account, at: settings.values["endpoint"] ?? standard)
        } else {
            let string = try ConnectionString(secrets["connection_string"]?.text ?? "")
            set("key", string.key.text)
            hidden.append(string.key.text)
            try azureAccount(string.account, at: settings.values["endpoint"] ?? string.endpoint)
        }
    }

    /// An account at its address, in the words of this rclone: up to 1.60 it puts the address together itself.
    private mutating func azureAccount(_ account: String, at address: String) throws(Status) {
        set("account", account)
        let address = address.hasSuffix("/") ? String(address.dropLast()) : address
        guard address != "https://\(account).blob.core.windows.net" else { return }
        guard version < Rclone.Version(major: 1, minor: 61) else { return set("endpoint", address) }
        guard address.hasPrefix("https://\(account)."), address.dropFirst(8).allSatisfy({ $0 != "/" }) else {
            throw Status(
                .invalidArgument, "rclone \(version) speaks to an account at https://\(account).… alone", field: "endpoint",
                hint: "give that, or a signature (sas_url); rclone 1.61 takes any address")
        }
        set("endpoint", String(address.dropFirst("https://\(account).".count)))
    }

    private mutating func sftp(_ settings: Destination.Settings, _ secrets: [String: Secret]) {
        let (host, port) = (settings.values["host"] ?? "", settings["port"] ?? "22")
        set("type", "sftp")
        set("host", host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host)
        set("port", port)
        set("user", settings.values["user"])
        // Line breaks as it takes them from a variable.
        set("key_pem", secrets["private_key"]?.text.split(separator: "\n").joined(separator: "\\n"))
        obscured = secrets["password"].map { ("RCLONE_CONFIG_D_PASS", $0) }
        let bare = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        files["RCLONE_CONFIG_D_KNOWN_HOSTS_FILE"] = Array(
            (settings.values["host_key"] ?? "").split(separator: "\n").map {
                "\(port == "22" ? bare : "[\(bare)]:\(port)") \($0)\n"
            }.joined().utf8)
        // No command is run on the customer's server.
        set("shell_type", "none")
        set("disable_hashcheck", "true")
        set("set_modtime", "false")
        // As many requests on their way as OpenSSH's server takes, of its largest size.
        set("concurrency", "64")
        isRenaming = true
    }

    private mutating func backend(_ settings: Destination.Settings, _ secrets: [String: Secret]) {
        let backend = settings.values["backend"] ?? ""
        set("type", backend)
        for option in settings.type.options(backend: backend)
        where !["backend", "path", "bucket", "container", "bandwidth_limit"].contains(option.name) {
            set(option.name, option.isSecret ? secrets[option.name]?.text : settings[option.name])
        }
        switch backend {
        case "webdav", "ftp":
            isRenaming = true
            // The one way of its ways in which content goes up as it comes.
            if backend == "webdav" { set("vendor", "owncloud") }
            environment["RCLONE_CONFIG_D_PASS"] = nil
            obscured = secrets["pass"].map { ("RCLONE_CONFIG_D_PASS", $0) }
            if backend == "ftp" {
                set("tls", settings["tls"] == "implicit" ? "true" : "false")
                set("explicit_tls", settings["tls"] == "implicit" ? "false" : "true")
            }
        case "b2":
            objects(.sha1)
            requiredPlace = settings.values["bucket"]
        default:
            objects(.md5)
            // In chunks it would go to a container of its own, that rclone makes.
            set("no_chunk", "true")
            requiredPlace = settings.values["container"]
        }
    }

    /// As a JSON string.
    private func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
