import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

/// Files that are encrypted by GnuPG, and decrypted by it as a customer would.
@Suite struct OpenPGPTests {
    /// A customer's GnuPG, with keys of its own.
    private struct Customer {
        let home: FilePath

        func gpg(_ arguments: String..., input: String = "") async throws -> Programs.Ended {
            try await Programs.run(
                "/usr/bin/gpg",
                ["--homedir", home.string, "--batch", "--quiet", "--passphrase", "", "--pinentry-mode", "loopback"] + arguments,
                input: input)
        }

        /// - Returns: the new key's fingerprint.
        func makeKey(_ name: String, _ usage: String = "default", expires: String = "never") async throws -> String {
            #expect(
                try await gpg("--quick-generate-key", name, usage == "default" ? "future-default" : "ed25519", usage, expires)
                    .code == 0)
            let listed = try await gpg("--list-keys", "--with-colons", name).output
            let fingerprint = listed.split(separator: "\n").first { $0.hasPrefix("fpr:") }
            return String(try #require(fingerprint?.split(separator: ":").last))
        }

        /// The file of a public key.
        func export(_ fingerprint: String, armor: Bool = true) async throws -> String {
            let file = home.appending("\(fingerprint)\(armor).pub").string
            #expect(try await gpg(armor ? "--armor" : "--no-armor", "--output", file, "--export", fingerprint).code == 0)
            return file
        }
    }

    private func withCustomer(_ body: (Customer, FilePath) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let home = folder.appending("gpg")
            try FileManager.default.createDirectory(
                atPath: home.string, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            let customer = Customer(home: home)
            let result: Result<Void, any Error>
            do { result = .success(try await body(customer, folder)) } catch { result = .failure(error) }
            _ = try? await Programs.run("/usr/bin/gpgconf", ["--homedir", home.string, "--kill", "all"])
            try result.get()
        }
    }

    @Test func `files are encrypted to approved keys, each of which opens them; the manifest has both hashes`() async throws {
        try await withCustomer { (customer, folder) async throws in
            let (first, second) = (try await customer.makeKey("one@example.com"), try await customer.makeKey("two@example.com"))
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let files = (try await customer.export(first), try await customer.export(second, armor: false))
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { (daemon) async throws in
                try await createFlow(daemon, to: nil)
                let approved = try await daemon.done("organization", "approve", "openpgp", files.0, "-o", "json")
                #expect(try text(approved, "value") == first && text(approved, "label").contains("one@example.com"))
                try await daemon.done("organization", "approve", "openpgp", files.1)
                try await daemon.done("destination", "create", "archive", "--type", "local", "--path", archive.string)
                let options = ["--encrypt-to", first.lowercased(), "--encrypt-to", second, "--compression", "none"]
                let made = try await daemon.done(
                    "dataflow", "create", "sealed", "--destination", "archive", "--format", "json", "--manual", "-o", "json",
                    options: options)
                #expect(made.contains(first) && made.contains(second))
                for number in 0..<50 { #expect(try await ingestSms(daemon, "plain text \(number)").code == 0) }
                try await daemon.done("dataflow", "run", "sealed", "--wait")
            }
            let found = try delivered(in: archive)
            let file = try #require(found.first { $0.hasSuffix(".json.gpg") })
            #expect(try found.count == 2 && !Data(contentsOf: URL(filePath: file)).contains(Data("plain text".utf8)))
            for other in [second, first] {
                #expect(try await customer.gpg("--yes", "--delete-secret-keys", other).code == 0)
                let decrypted = try await customer.gpg("--decrypt", file)
                guard other == second else {
                    #expect(decrypted.code != 0, "with no key left")
                    continue
                }
                #expect(decrypted.output.split(separator: "\n").count == 50 && decrypted.output.contains("plain text 49"))
                let manifest = try String(contentsOfFile: #require(found.first { $0.contains("manifest-") }), encoding: .utf8)
                #expect(manifest.contains(first) && manifest.contains(second))
                let content = folder.appending("content").string
                try decrypted.output.write(toFile: content, atomically: true, encoding: .utf8)
                for (path, field) in [(content, "contentSha256"), (file, "sha256")] {
                    let sum = try await Programs.run("/usr/bin/sha256sum", [path]).output.prefix(64)
                    #expect(
                        manifest.contains(#""\#(field)":"\#(sum)""#) || manifest.contains(#""\#(field)": "\#(sum)""#), "\(field)")
                }
            }
            let verified = try await Programs.run(Programs.client, ["manifest", "verify", archive.string])
            #expect(verified.code == 0, "\(verified.output)")
            let home = fixture.data.appending("gnupg").string
            #expect(try FileManager.default.contentsOfDirectory(atPath: home) == [], "GnuPG's home stays empty")
        }
    }

    @Test func `a key that is no key, has ended or is for signing is not approved; one not approved is not encrypted to`()
        async throws
    {
        try await withCustomer { (customer, folder) async throws in
            let signing = try await customer.export(customer.makeKey("sign@example.com", "sign"))
            let ended = try await customer.export(customer.makeKey("ended@example.com", expires: "seconds=1"))
            let good = try await customer.makeKey("good@example.com")
            let goodFile = try await customer.export(good)
            let both = folder.appending("both").string
            let noise = folder.appending("noise").string
            try (String(contentsOfFile: goodFile, encoding: .utf8) + String(contentsOfFile: signing, encoding: .utf8))
                .write(toFile: both, atomically: true, encoding: .utf8)
            try "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nnoise\n".write(toFile: noise, atomically: true, encoding: .utf8)
            let secret = folder.appending("secret").string
            #expect(try await customer.gpg("--armor", "--output", secret, "--export-secret-keys", good).code == 0)
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            _ = try await DaemonFixture(folder).withDaemon { (daemon) async throws in
                // Its second has passed when the daemon serves; where not, it is tried again.
                try await wait(for: "the key's end") {
                    try await daemon.command(["organization", "approve", "openpgp", ended]).code != 0
                }
                for file in [signing, both, noise, secret] {
                    let refused = try await daemon.command(["organization", "approve", "openpgp", file])
                    #expect(refused.code == 3, "\(file): \(refused.output) \(refused.errors)")
                }
                try await createFlow(daemon, to: archive)
                let options = ["--destination", "archive", "--format", "json", "--manual", "--encrypt-to"]
                #expect(try await daemon.command(["dataflow", "create", "f"] + options + [good]).code == 4)
                #expect(try await daemon.command(["dataflow", "create", "f"] + options + ["good@example.com"]).code == 3)
                try await daemon.done("organization", "approve", "openpgp", goodFile)
                try await daemon.done("dataflow", "create", "f", options: options + [good])
                try await daemon.done("organization", "withdraw", "openpgp", good)
                #expect(try await ingestSms(daemon, "text").code == 0)
                let failed = try await daemon.command(["dataflow", "run", "f", "--wait", "-o", "json"])
                #expect(failed.code == 1 && failed.output.contains("not approved"), "\(failed.output)")
                try await daemon.done("dataflow", "edit", "f", "--encrypt-to", "none")
                try await daemon.done("dataflow", "run", "f", "--wait")
                // The folder too is approved no more.
                try await daemon.done("organization", "withdraw", "local-root", "/")
                let run = try await daemon.command([
                    "dataflow", "run", "f", "--since", "2026-01-01T00:00:00Z", "--wait", "-o", "json",
                ])
                #expect(run.code == 1 && run.output.contains("not approved"), "\(run.output)")
            }
            #expect(try delivered(in: archive).filter { $0.hasSuffix(".gpg") } == [])
        }
    }

    @Test func `a GnuPG that is missing or fails is told of, and nothing is delivered`() async throws {
        try await withCustomer { (customer, folder) async throws in
            let key = try await customer.makeKey("one@example.com")
            let file = try await customer.export(key)
            let archive = folder.appending("archive")
            try FileManager.default.createDirectory(atPath: archive.string, withIntermediateDirectories: false)
            let script = folder.appending("gpg.sh").string
            try
                "#!/bin/sh\ncase \"$*\" in *--encrypt*) head -c 10 >/dev/null; echo 'gpg: broken' >&2; exit 2;; *) exec gpg \"$@\";; esac\n"
                .write(toFile: script, atomically: true, encoding: .utf8)
            chmod(script, 0o755)
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon(options: ["--gpg", script]) { (daemon) async throws in
                try await createFlow(daemon, to: archive)
                try await daemon.done("organization", "approve", "openpgp", file)
                try await daemon.done(
                    "dataflow", "create", "f", "--destination", "archive", "--format", "json", "--manual", "--encrypt-to", key)
                #expect(try await ingestSms(daemon, "text").code == 0)
                let failed = try await daemon.command(["dataflow", "run", "f", "--wait", "-o", "json"])
                #expect(failed.code == 1 && failed.output.contains("gpg: broken"), "\(failed.output)")
            }
            _ = try await fixture.withDaemon(options: ["--gpg", "/nowhere/gpg"]) { (daemon) async throws in
                let failed = try await daemon.command(["dataflow", "run", "f", "--wait", "-o", "json"])
                #expect(failed.code == 1 && failed.output.contains("/nowhere/gpg"), "\(failed.output)")
                let refused = try await daemon.command(["organization", "approve", "openpgp", file])
                #expect(refused.code == 9 && refused.errors.contains("/nowhere/gpg"), "\(refused.code) \(refused.errors)")
            }
            #expect(try delivered(in: archive) == [])
        }
    }
}
