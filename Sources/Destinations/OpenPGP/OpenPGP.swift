package import Model
package import SystemPackage

/// GnuPG, with a home of its own in which there are no keys: what it is to encrypt to it is given each time.
package struct OpenPGP: Sendable {
    private let gpg: FilePath
    private let home: FilePath
    private let runner: ProgramRunner

    /// - Parameter home: an existing folder of the daemon's own.
    package init(gpg: FilePath, home: FilePath, runner: ProgramRunner) {
        self.gpg = gpg
        self.home = home
        self.runner = runner
    }

    /// A public key, as it tells of itself.
    package struct PublicKey: Sendable {
        /// Of its primary key: 40 uppercase hexadecimal digits.
        package let fingerprint: String
        /// Whose it says that it is.
        package let label: String
    }

    /// What one public key tells of itself. Blocks.
    ///
    /// - Throws: `invalidArgument` naming `public_key` when it is not one key that can be encrypted to.
    package func describe(_ key: [UInt8], _ patience: Patience) throws(Status) -> PublicKey {
        let ended: Program.Ended
        do throws(DestinationError) {
            let running = try runner.start(program(["--show-keys", "--with-colons"]))
            try running.write(key, patience)
            ended = try running.finish(patience)
        } catch {
            throw Status(
                .unavailable, "GnuPG cannot be run at \(gpg): \(error.detail)", hint: "install gpg, or name it with --gpg")
        }
        let lines = String(decoding: ended.output, as: UTF8.self).split(separator: "\n").map {
            $0.split(separator: ":", omittingEmptySubsequences: false)
        }
        let keys = lines.filter { ["pub", "sec"].contains($0[0]) }
        let fingerprint = lines.first { $0[0] == "fpr" && $0.count > 9 }.map { String($0[9]) }
        guard ended.code == 0, keys.count == 1, keys[0][0] == "pub", let fingerprint, fingerprint.count == 40 else {
            throw Status(
                .invalidArgument, "not one OpenPGP public key", field: "public_key",
                hint: "as gpg --armor --export FINGERPRINT writes it")
        }
        // In capitals: what the key as a whole can do now.
        guard keys[0].count > 11, keys[0][11].contains("E"), !["e", "r"].contains(keys[0][1]) else {
            throw Status(
                .invalidArgument, "the key \(fingerprint) cannot be encrypted to: it has expired or is for signing alone",
                field: "public_key")
        }
        let label = lines.first { $0[0] == "uid" && $0.count > 9 }.map { String($0[9]) } ?? ""
        let printable = label.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }
        return PublicKey(fingerprint: fingerprint, label: String(String.UnicodeScalarView(printable)).prefix(200).description)
    }

    /// A file that is encrypted to keys on its way to somewhere.
    ///
    /// - Parameter keys: at least one.
    package func encrypted(_ upload: any Upload, to keys: [[UInt8]], _ patience: Patience) throws(DestinationError)
        -> EncryptedUpload
    {
        var words: [String] = []
        var files: [String: [UInt8]] = [:]
        for (number, key) in keys.enumerated() {
            files["KEY\(number)"] = key
            words += ["--recipient-file", "@KEY\(number)"]
        }
        let options = [
            "--compress-algo", "none", "--cipher-algo", "AES256", "--no-random-seed-file", "--output", "-", "--encrypt",
        ]
        return try EncryptedUpload(upload, program(words + options, files), runner, patience)
    }

    private func program(_ words: [String], _ files: [String: [UInt8]] = [:]) -> Program {
        let options = [
            "--homedir", home.string, "--no-options", "--batch", "--no-tty", "--quiet", "--no-keyring", "--no-autostart",
            "--trust-model", "always",
        ]
        return Program(
            path: gpg, arguments: options + words, environment: ["PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"], files: files)
    }
}
