import ArgumentParser
import Foundation
import MessageExportClient
import SystemPackage

/// Where a destination is and who delivers to it, as options: each is one of the types' options, by its name.
struct DestinationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            local: an existing folder of the daemon's machine. sftp: an existing folder of the server. Others: folder below which everything \
            goes.
            """, valueName: "folder"))
    var path: String?

    @Option(help: ArgumentHelp("s3, gcs: the bucket.", valueName: "name"))
    var bucket: String?

    @Option(help: ArgumentHelp("azure-blob, adls-gen2, data-landing-zone: the container.", valueName: "name"))
    var container: String?

    @Option(help: ArgumentHelp("adls-gen2, data-landing-zone: the storage account.", valueName: "name"))
    var account: String?

    @Option(help: ArgumentHelp("s3: the bucket's region. Default: us-east-1.", valueName: "name"))
    var region: String?

    @Option(help: ArgumentHelp("A store that is not the vendor's own, as in https://storage.example.com.", valueName: "url"))
    var endpoint: String?

    @Option(help: ArgumentHelp("s3, gcs: id of the access key; its secret is secret_access_key.", valueName: "id"))
    var accessKeyID: String?

    @Option(help: ArgumentHelp("s3: role to assume, with --web-identity-token-file.", valueName: "arn"))
    var roleARN: String?

    @Option(
        help: ArgumentHelp("s3: file of the daemon's machine with the token that the role is assumed with.", valueName: "file"))
    var webIdentityTokenFile: String?

    @Option(help: ArgumentHelp("s3: 'on': signed in as the daemon's machine is.", valueName: "on"))
    var instanceProfile: String?

    @Option(help: ArgumentHelp("s3, gcs: storage class of what is delivered.", valueName: "class"))
    var storageClass: String?

    @Option(help: ArgumentHelp("s3: AES256 or aws:kms.", valueName: "kind"))
    var serverSideEncryption: String?

    @Option(help: ArgumentHelp("s3: key for aws:kms.", valueName: "id"))
    var kmsKeyID: String?

    @Option(help: ArgumentHelp("azure-blob: hot, cool or archive.", valueName: "tier"))
    var accessTier: String?

    @Option(help: ArgumentHelp("adls-gen2: id of the directory.", valueName: "id"))
    var tenantID: String?

    @Option(help: ArgumentHelp("adls-gen2: application id of the service principal.", valueName: "id"))
    var clientID: String?

    @Option(help: ArgumentHelp("sftp: the server.", valueName: "name"))
    var host: String?

    @Option(help: ArgumentHelp("sftp: its port. Default: 22.", valueName: "number"))
    var port: String?

    @Option(help: ArgumentHelp("sftp: who signs in; the secret is password or private_key.", valueName: "name"))
    var user: String?

    @Option(
        help: ArgumentHelp(
            """
            sftp: file of the server's public keys, all of them, or of lines as ssh-keyscan prints them. Compare them with what the server's \
            administrator says.
            """, valueName: "file"))
    var hostKey: String?

    @Option(help: ArgumentHelp("rclone: which backend: webdav, ftp, b2 or swift.", valueName: "name"))
    var backend: String?

    @Option(help: ArgumentHelp("rclone: a setting of the backend's; may be given several times.", valueName: "name=value"))
    var option: [String] = []

    @Option(help: ArgumentHelp("Bytes a second that are sent at most, as in 10M.", valueName: "rate"))
    var bandwidthLimit: String?

    @Option(
        help: ArgumentHelp(
            """
            A secret: its name, and the file that holds it, or '-' for standard input, or env:VARIABLE. A secret is never an argument. May be \
            given several times.
            """, valueName: "name=source"))
    var secret: [String] = []

    @Flag(help: "Take it without trying it.")
    var skipTest = false

    func validate() throws {
        for setting in option where setting.firstIndex(of: "=") == nil { throw ValidationError("--option takes NAME=VALUE") }
        for source in secret where source.firstIndex(of: "=") == nil {
            throw ValidationError("--secret takes NAME=FILE, NAME=- or NAME=env:VARIABLE")
        }
        guard secret.filter({ $0.hasSuffix("=-") }).count <= 1 else {
            throw ValidationError("only one secret can come from standard input")
        }
        for (name, value) in plain where value?.isEmpty == true {
            throw ValidationError("--\(name.replacingOccurrences(of: "_", with: "-")) is empty")
        }
    }

    private var plain: [(String, String?)] {
        [
            ("path", path), ("bucket", bucket), ("container", container), ("account", account), ("region", region),
            ("endpoint", endpoint), ("access_key_id", accessKeyID), ("role_arn", roleARN),
            ("web_identity_token_file", webIdentityTokenFile), ("instance_profile", instanceProfile),
            ("storage_class", storageClass), ("server_side_encryption", serverSideEncryption), ("kms_key_id", kmsKeyID),
            ("access_tier", accessTier), ("tenant_id", tenantID), ("client_id", clientID), ("host", host), ("port", port),
            ("user", user), ("host_key", hostKey), ("backend", backend), ("bandwidth_limit", bandwidthLimit),
        ]
    }

    /// What is given, as the daemon takes it.
    func values(of type: DestinationType) throws -> [String: String] {
        var values: [String: String] = [:]
        for (name, value) in plain { values[name] = value }
        for setting in option {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard values.updateValue(String(parts[1]), forKey: String(parts[0])) == nil else {
                throw ValidationError("\(parts[0]) is given twice")
            }
        }
        if type == .local, let path {
            let current = FilePath(FileManager.default.currentDirectoryPath)
            values["path"] = current.pushing(FilePath(path)).lexicallyNormalized().string
        }
        if let hostKey { values["host_key"] = try Self.hostKeys(in: hostKey) }
        return values
    }

    /// The keys of a file, whether or not it names the host before each.
    private static func hostKeys(in path: String) throws -> String {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw ValidationError("--host-key: \(path) cannot be read; ssh-keyscan HOST writes such a file")
        }
        let keys = text.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("#") }.compactMap { line -> String? in
            let words = line.split(separator: " ")
            guard let key = words.firstIndex(where: { $0.hasPrefix("AAAA") }), key > 0 else { return nil }
            return "\(words[key - 1]) \(words[key])"
        }
        guard !keys.isEmpty else { throw ValidationError("--host-key: \(path) holds no public key") }
        return keys.joined(separator: "\n")
    }

    /// The secrets that are given, read from where they are.
    func secrets() throws -> [String: Secret] {
        var secrets: [String: Secret] = [:]
        for argument in secret {
            let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // On the command line names have hyphens elsewhere.
            let name = parts[0].replacingOccurrences(of: "-", with: "_")
            let text = try Self.read(name, String(parts[1]))
            guard secrets.updateValue(Secret(text), forKey: name) == nil else { throw ValidationError("\(name) is given twice") }
        }
        return secrets
    }

    /// What is wrong is told without the source: who takes it for the secret's own place has written the secret there.
    private static func read(_ name: String, _ source: String) throws -> String {
        let bytes: Data?
        if source == "-" {
            bytes = try? FileHandle.standardInput.read(upToCount: Limits.destinationValueBytes + 1)
        } else if source.hasPrefix("env:") {
            bytes = ProcessInfo.processInfo.environment[String(source.dropFirst(4))].map { Data($0.utf8) }
        } else {
            bytes = FileHandle(forReadingAtPath: source).flatMap { try? $0.read(upToCount: Limits.destinationValueBytes + 1) }
        }
        guard let bytes else {
            throw ValidationError(
                "the secret \(name) cannot be read from where --secret says; it takes a file, '-' or env:VARIABLE, never the secret itself"
            )
        }
        guard bytes.count <= Limits.destinationValueBytes, var text = String(data: bytes, encoding: .utf8) else {
            throw ValidationError("the secret \(name) is longer than \(Limits.destinationValueBytes) bytes, or is not text")
        }
        while text.last?.isNewline == true { text.removeLast() }
        guard !text.isEmpty else { throw ValidationError("the secret \(name) is empty") }
        return text
    }
}
