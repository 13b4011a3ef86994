/// A kind of storage, and what is to be said of one.
public enum DestinationType: String, Hashable, Sendable, CaseIterable {
    /// A folder of the daemon's machine.
    case local
    /// Amazon S3, and what speaks its protocol.
    case s3
    /// Google Cloud Storage.
    case gcs
    /// Azure Blob Storage.
    case azureBlob = "azure-blob"
    /// Azure Data Lake Storage Gen2.
    case adlsGen2 = "adls-gen2"
    /// A container that somebody else made and gave a signature for.
    case dataLandingZone = "data-landing-zone"
    /// A folder of an SSH server.
    case sftp
    /// A further backend of rclone's.
    case rclone

    /// What is to be said of one, required first.
    ///
    /// - Parameter backend: for `rclone`, which one.
    public func options(backend: String? = nil) -> [DestinationOption] {
        let own = ownOptions(backend)
        return self == .local ? own : own + [Self.bandwidth]
    }

    private func ownOptions(_ backend: String?) -> [DestinationOption] {
        switch self {
        case .local: [.init("path", .folder, .place, required: true, "An existing folder of the daemon's machine.")]
        case .s3: Self.s3Options
        case .gcs: Self.gcsOptions
        case .azureBlob: Self.azureBlobOptions
        case .adlsGen2: Self.adlsGen2Options
        case .dataLandingZone: Self.dataLandingZoneOptions
        case .sftp: Self.sftpOptions
        case .rclone: [Self.backend, Self.prefix] + (backend.flatMap { Self.backends[$0] } ?? [])
        }
    }

    /// One of `options` by its name.
    public func option(_ name: String, backend: String? = nil) -> DestinationOption? {
        options(backend: backend).first { $0.name == name }
    }

    /// The ways to sign in: of the options of one way all are set, of the others none. Empty: there is nothing to choose.
    public func waysToSignIn(backend: String? = nil) -> [[String]] {
        switch self {
        case .local, .dataLandingZone, .adlsGen2: []
        case .s3: [["access_key_id", "secret_access_key"], ["role_arn", "web_identity_token_file"], ["instance_profile"]]
        case .gcs: [["access_key_id", "secret_access_key"], ["service_account"]]
        case .azureBlob: [["connection_string"], ["sas_url"]]
        case .sftp: [["password"], ["private_key"]]
        case .rclone: []
        }
    }

    private static let prefix = DestinationOption("path", .path, .place, "Folder below which everything goes. Default: none.")
    private static let bandwidth = DestinationOption(
        "bandwidth_limit", .rate, .manner, "Bytes a second that are sent at most, as in 10M. Default: no limit.")
    private static let endpoint = DestinationOption(
        "endpoint", .url, .place, "Address of a store that is not the vendor's own, as in https://storage.example.com.")
    private static let bucket = DestinationOption("bucket", .bucket, .place, required: true, "The bucket; it is never made.")
    private static let container = DestinationOption(
        "container", .container, .place, required: true, "The container; it is never made.")
    private static let keys = [
        DestinationOption("access_key_id", .word("+/=._-:@"), .signIn, "Id of the access key."),
        DestinationOption("secret_access_key", .text, .signIn, secret: true, "The secret access key."),
    ]

    private static let s3Options =
        [bucket, prefix] + keys + [
            .init("role_arn", .word("+=,.@-_/:"), .signIn, "Role to assume, as in arn:aws:iam::123456789012:role/export."),
            .init("web_identity_token_file", .folder, .signIn, "File of the token that role is assumed with."),
            .init("instance_profile", .choice(["on"]), .signIn, "On: signed in as the machine is, by its instance profile."),
            .init("region", .word("-"), .place, standard: "us-east-1", "The bucket's region."), endpoint,
            .init(
                "storage_class",
                .choice([
                    "STANDARD", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE",
                    "REDUCED_REDUNDANCY",
                ]), .manner, "Storage class of what is delivered. Default: the bucket's."),
            .init(
                "server_side_encryption", .choice(["AES256", "aws:kms"]), .manner,
                "Encryption that the store is asked for. Default: the bucket's."),
            .init("kms_key_id", .word(":/-_"), .manner, "For aws:kms: id or ARN of the key. Default: the account's own."),
        ]

    private static let gcsOptions =
        [bucket, prefix] + keys + [
            .init("service_account", .text, .signIn, secret: true, "Content of a service account's JSON key file."),
            .init(
                "storage_class", .choice(["STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE"]), .manner,
                "Storage class of what is delivered, with a service account. Default: the bucket's."),
            endpoint,
        ]

    private static let azureBlobOptions = [
        container, prefix,
        DestinationOption(
            "connection_string", .text, .signIn, secret: true,
            "As the portal shows it: DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…"),
        .init(
            "sas_url", .text, .signIn, secret: true,
            "Address of the container with a shared access signature: https://ACCOUNT.blob.core.windows.net/CONTAINER?…"),
        .init(
            "access_tier", .choice(["hot", "cool", "archive"]), .manner,
            "Access tier of what is delivered. Default: the account's."),
        endpoint,
    ]

    private static let adlsGen2Options = [
        DestinationOption("account", .word(""), .place, required: true, "Name of the storage account."),
        .init("container", .container, .place, required: true, "The file system; it is never made."), prefix,
        .init("tenant_id", .word("-."), .signIn, required: true, "Id of the directory (tenant)."),
        .init("client_id", .word("-"), .signIn, required: true, "Application id of the service principal."),
        .init("client_secret", .text, .signIn, required: true, secret: true, "Its key."), endpoint,
    ]

    private static let dataLandingZoneOptions = [
        DestinationOption("account", .word(""), .place, required: true, "Name of the storage account."),
        .init("container", .container, .place, required: true, "The container that was made for you."), prefix,
        .init(
            "sas_token", .text, .signIn, required: true, secret: true,
            "The shared access signature, as in sv=…&se=…&sig=…; when it ends is watched."), endpoint,
    ]

    private static let sftpOptions = [
        DestinationOption("host", .host, .place, required: true, "Name or address of the server."),
        .init("port", .port, .place, standard: "22", "Its port."),
        .init("path", .path, .place, required: true, "An existing folder of it; without a leading slash below the user's own."),
        .init("user", .word("._-@+"), .signIn, required: true, "Who signs in."),
        .init(
            "host_key", .hostKeys, .signIn, required: true,
            "The server's public keys, one a line, as in ssh-ed25519 AAAA…; another server is not delivered to."),
        .init("password", .text, .signIn, secret: true, "The user's password."),
        .init("private_key", .text, .signIn, secret: true, "The user's private key, PEM, without a passphrase."),
    ]

    private static let backend = DestinationOption(
        "backend", .choice(backends.keys.sorted()), .place, required: true, "Which backend of rclone's.")

    /// What may be said of each further backend, in rclone's own words. What is not here is refused: such options run commands, read files of
    /// the daemon's machine, or weaken what protects the content.
    private static let backends: [String: [DestinationOption]] = [
        "webdav": [
            .init("url", .url, .place, required: true, "Address of the server's folder."),
            .init("user", .word("._-@+"), .signIn, "Who signs in."),
            .init("pass", .text, .signIn, secret: true, "The user's password."),
            .init("bearer_token", .text, .signIn, secret: true, "A token, instead of user and password."),
        ],
        "ftp": [
            .init("host", .host, .place, required: true, "Name or address of the server."),
            .init("port", .port, .place, standard: "21", "Its port."),
            .init("user", .word("._-@+"), .signIn, required: true, "Who signs in."),
            .init("pass", .text, .signIn, required: true, secret: true, "The user's password."),
            .init(
                "tls", .choice(["explicit", "implicit"]), .manner, standard: "explicit",
                "How the connection is encrypted; it always is."),
        ],
        "b2": [
            .init("bucket", .bucket, .place, required: true, "The bucket; it is never made."),
            .init("account", .word(""), .signIn, required: true, "Id of the application key."),
            .init("key", .text, .signIn, required: true, secret: true, "The application key."),
        ],
        "swift": [
            .init("container", .word("._-"), .place, required: true, "The container; it is never made."),
            .init("auth", .url, .place, required: true, "Address that is signed in at."),
            .init("user", .word("._-@+:"), .signIn, required: true, "Who signs in."),
            .init("key", .text, .signIn, required: true, secret: true, "The user's key or password."),
            .init("domain", .word("._-"), .signIn, "The user's domain (v3)."),
            .init("tenant", .word("._-"), .signIn, "Tenant or project."),
            .init("tenant_domain", .word("._-"), .signIn, "The tenant's domain (v3)."),
            .init("region", .word("._-"), .place, "The region."),
        ],
    ]
}
