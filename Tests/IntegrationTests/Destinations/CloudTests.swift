import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport
import Testing

/// Azure and Google, as far as a recording server can tell: what rclone asks them for, with these settings.
@Suite(.timeLimit(.minutes(5))) struct CloudTests {
    private static let signature = "Zm9yIHRlc3Rz+/A="
    private static let escaped = "Zm9yIHRlc3Rz%2B%2FA%3D"

    /// A server with one container and one bucket, `exports`, and a daemon that may deliver there.
    private func withClouds(
        _ body: @Sendable (DaemonFixture.Running, FilePath, String) async throws -> Void
    ) async throws {
        try await withTemporaryFolder { folder in
            let clouds = folder.appending("clouds")
            for kind in ["azure", "google"] {
                try FileManager.default.createDirectory(
                    atPath: clouds.appending("\(kind)/exports").string, withIntermediateDirectories: true)
            }
            let environment = ["SAS_SIGNATURE": Self.signature]
            try await TestServer.withScript("clouds.py", [clouds.string], environment: environment) { (server) async throws in
                let ended = try await DaemonFixture(folder).withDaemon { (daemon) async throws in
                    try await daemon.done("organization", "approve", "host", "localhost:\(server.port)")
                    // By its name: of addresses in figures Azure's library takes the container for the account.
                    try await body(daemon, clouds, "http://localhost:\(server.port)")
                }
                for secret in [Self.signature, Self.escaped, "BEGIN PRIVATE"] { #expect(!ended.log.contains(secret)) }
            }
        }
    }

    private static func signedQuery(end: String = "2099-01-01T00:00:00Z", permissions: String = "racwdl") -> String {
        "sv=2022-11-02&ss=b&se=\(end.replacing(":", with: "%3A"))&sp=\(permissions)&sig=\(escaped)"
    }

    /// Options of `destination create`, with the variables of its secrets.
    private func destination(_ kind: String, _ server: String, _ folder: FilePath, query: String = signedQuery()) async throws
        -> (options: [String], secrets: [String: String])
    {
        switch kind {
        case "azure-sas":
            let options = ["--type", "azure-blob", "--container", "exports", "--secret", "sas_url=env:SECRET"]
            return (options + ["--access-tier", "cool"], ["SECRET": "\(server)/exports?\(query)"])
        case "data-landing-zone":
            let options = ["--type", "data-landing-zone", "--account", "acme", "--container", "exports", "--endpoint", server]
            return (options + ["--secret", "sas_token=env:SECRET"], ["SECRET": "?\(query)"])
        default:
            let key = folder.appending("key").string
            if !FileManager.default.fileExists(atPath: key) {
                let made = ["-q", "-t", "rsa", "-b", "2048", "-m", "PKCS8", "-N", "", "-f", key]
                #expect(try await Programs.run("/usr/bin/ssh-keygen", made).code == 0)
            }
            let account = [
                "type": "service_account", "client_email": kind == "gcs" ? "exporter@acme.example" : "nobody@acme.example",
                "private_key": try String(contentsOfFile: key, encoding: .utf8), "token_uri": "\(server)/token",
            ]
            let text = String(decoding: try JSONEncoder().encode(account), as: UTF8.self)
            let options = ["--type", "gcs", "--bucket", "exports", "--endpoint", server]
            return (options + ["--secret", "service_account=env:SECRET"], ["SECRET": text])
        }
    }

    @Test(arguments: ["azure-sas", "data-landing-zone", "gcs"])
    func `a recording server gets what is exported, as its vendor's own would`(_ kind: String) async throws {
        try await withClouds { (daemon, clouds, server) async throws in
            let (options, secrets) = try await destination(kind, server, clouds)
            let place =
                kind == "gcs" ? "google/exports" : "azure/exports"
            try await deliverWholePath(daemon, options, clouds.removingLastComponent(), secrets: secrets) { folder in
                try FileManager.default.copyItem(atPath: clouds.appending(place).string, toPath: folder.string)
            }
            let shown = try await daemon.done("destination", "show", "far", "-o", "json")
            #expect(shown.contains("2099-01-01") == !secrets.values.contains { !$0.contains("2099") }, "\(shown)")
            let requests = try String(contentsOfFile: clouds.appending("requests").string, encoding: .utf8)
            let lines = requests.split(separator: "\n")
            #expect(lines.count > 20 && !lines.contains { $0.contains("restype=container") && $0.hasPrefix(#"["PUT""#) })
            switch kind {
            case "azure-sas", "data-landing-zone":
                #expect(lines.allSatisfy { !$0.contains("Authorization") && $0.contains("sig=") })
                #expect(
                    lines.contains { $0.contains("comp=tier") || $0.contains(#""x-ms-access-tier": "Cool""#) }
                        == (kind == "azure-sas"))
            default:
                #expect(lines.filter { $0.contains(#"["POST", "/token""#) }.count > 0)
                #expect(!lines.contains { $0.hasPrefix(#"["POST", "/storage/v1/b?"#) }, "no bucket is made")
            }
        }
    }

    @Test(arguments: ["azure-sas", "data-landing-zone"])
    func `a signature that has ended, or does not permit enough, is told of by name`(_ kind: String) async throws {
        try await withClouds { (daemon, clouds, server) async throws in
            let ended = try await destination(kind, server, clouds, query: Self.signedQuery(end: "2026-01-01T00:00:00Z"))
            let refused = try await daemon.command(["destination", "create", "far"] + ended.options, secrets: ended.secrets)
            #expect(refused.code == 6 && refused.errors.contains("credentials refused"), "\(refused.errors)")
            #expect(!refused.errors.contains(Self.escaped) && !refused.errors.contains(Self.signature))
            try await daemon.done("destination", "create", "far", "--skip-test", options: ended.options, secrets: ended.secrets)
            #expect(try await daemon.done("destination", "list").contains("2026-01-01"))
            let poor = try await destination(kind, server, clouds, query: Self.signedQuery(permissions: "racwl"))
            try await daemon.done(
                "destination", "edit", "far", "--skip-test", "--secret", poor.options.last { $0.contains("env:") } ?? "",
                secrets: poor.secrets)
            let tested = try await daemon.command(["destination", "test", "far"])
            #expect(tested.code == 6, "\(tested.output)")
            let removal = tested.output.split(separator: "\n").first { $0.contains("REMOVE") } ?? ""
            #expect(removal.contains("permission denied"), "\(tested.output)")
        }
    }

    @Test func `a service account that Google does not know is told of`() async throws {
        try await withClouds { (daemon, clouds, server) async throws in
            let (options, secrets) = try await destination("gcs-unknown", server, clouds)
            let refused = try await daemon.command(["destination", "create", "far"] + options, secrets: secrets)
            #expect(refused.code == 6 && refused.errors.contains("credentials refused"), "\(refused.errors)")
            let noKey = ["SECRET": #"{"type": "authorized_user"}"#]
            let wrong = try await daemon.command(["destination", "create", "far"] + options, secrets: noKey)
            #expect(wrong.code == 3 && wrong.errors.contains("not the key file of a service account"), "\(wrong.errors)")
            // What it says itself of where to sign in is not taken on trust.
            let elsewhere = secrets.mapValues {
                $0.replacing("\(server.replacing("/", with: "\\/"))\\/token", with: "https:\\/\\/evil.example\\/token")
            }
            let unapproved = try await daemon.command(["destination", "create", "far"] + options, secrets: elsewhere)
            #expect(unapproved.errors.contains("evil.example is not approved"), "\(unapproved.errors)")
        }
    }
}
