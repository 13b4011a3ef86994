import Foundation
import Model

/// Makes of rclone's words the kind of failure, and one line without secrets.
struct RcloneErrors {
    /// Values that are not to be told.
    let hidden: [String]

    /// Words that tell a kind of failure, in lower case; the first that is found decides.
    private static let names: [(DestinationError.Reason, [String])] = [
        (.hostKeyUnknown, ["knownhosts: key mismatch", "knownhosts: key is unknown", "knownhosts: key revoked"]),
        (.clock, ["requesttimetooskewed", "difference between the request time", "requestexpired"]),
        (
            .credentialsRefused,
            [
                "signaturedoesnotmatch", "invalidaccesskeyid", "unable to authenticate", "authenticationfailed",
                "authenticationerror", "unauthorized", "invalid_grant", "invalid_client", "expiredtoken", "invalidtoken",
                "tokenrefresherror", "authorizationheadermalformed", "signature not valid", "bad auth token",
                "nocredentialproviders",
                "private key should be", "failed to parse private key", "ssh: no key found",
            ]
        ),
        (
            .noSuchPlace,
            [
                "nosuchbucket", "containernotfound", "bucket does not exist", "the specified container does not exist",
                "no such bucket", "container not found",
            ]
        ),
        (
            .full,
            [
                "quota", "no space left", "enospc", "insufficient storage", "insufficientstorage", "entitytoolarge", "disk full",
                "storage limit", "cap_exceeded",
            ]
        ),
        (
            .busy,
            ["slowdown", "toomanyrequests", "serverbusy", "servicetemporarilyunavailable", "service unavailable", "throttl"]
        ),
        (
            .permission,
            [
                "accessdenied", "access denied", "permission denied", "forbidden", "authorizationpermissionmismatch",
                "insufficient permission", "notimplemented",
            ]
        ),
    ]

    /// Codes of HTTP and FTP, where no word tells more.
    private static let codes: [Substring: DestinationError.Reason] = [
        "401": .credentialsRefused, "403": .permission, "404": .noSuchPlace, "429": .busy, "503": .busy, "507": .full,
        "530": .credentialsRefused, "550": .permission, "552": .full,
    ]

    /// Words that come with others too, in lower case.
    private static let weakNames: [(DestinationError.Reason, [String])] = [
        (.timeout, ["i/o timeout", "context deadline exceeded", "timeout awaiting", "timed out"]),
        (
            .notReachable,
            [
                "connection refused", "no such host", "network is unreachable", "no route to host", "connection reset",
                "broken pipe", "unexpected eof", "connection closed", "connection lost", "handshake failed", "certificate",
                "server misbehaving", "dial tcp", "eof",
            ]
        ),
        (.damaged, ["corrupted on transfer", "hash differ", "sizes differ", "baddigest"]),
        (.noSuchPlace, ["directory not found", "no such file"]),
        (.unexplained, ["ssh_fx_failure"]),
    ]

    private static func reason(of line: String) -> DestinationError.Reason? {
        func named(_ names: [(DestinationError.Reason, [String])]) -> DestinationError.Reason? {
            names.first { $0.1.contains { line.contains($0) } }?.0
        }
        // By itself: not a part of a port, an address, an id or a signature.
        let numbers = line.split { !($0.isLetter || $0.isNumber || "._-/=%+:".contains($0)) }
            .map { $0.hasSuffix(":") ? $0.dropLast() : $0 }
        return named(names) ?? numbers.lazy.compactMap { codes[$0] }.first ?? named(weakNames)
    }

    /// What a process that did not succeed failed of.
    func error(_ ended: Program.Ended) -> DestinationError {
        if ended.code > 128 { return DestinationError(.program, "rclone was ended by signal \(ended.code - 128)", ended: ended) }
        let line = Self.essence(of: ended.errors)
        let told = clean(line.isEmpty ? "rclone ended with code \(ended.code)" : line)
        return DestinationError(Self.reason(of: line.lowercased()) ?? .other, told, ended: ended)
    }

    /// The last failure that it tells of, with the lines that belong to it.
    private static func essence(of errors: String) -> String {
        var lines: [String] = []
        for line in errors.split(whereSeparator: \.isNewline).reversed() {
            // A message begins with the time, as in 2026/11/27 02:01:34; what follows it is indented.
            let isFirst = line.count > 20 && line.prefix(4).allSatisfy(\.isNumber) && line.dropFirst(4).first == "/"
            lines.insert(isFirst ? String(line.dropFirst(20)) : String(line), at: 0)
            if isFirst || lines.count > 20 { break }
        }
        return lines.joined(separator: " ")
    }

    /// In one line of printable characters, without secrets, not too long.
    private func clean(_ text: String) -> String {
        var text = text
        for secret in hidden.sorted(by: { $0.count > $1.count }) where secret.count > 3 {
            for form in [secret, secret.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? secret] {
                text = text.replacingOccurrences(of: form, with: "(hidden)")
            }
        }
        // A signature in an address, however it is written there.
        text = text.replacing(/(?i)(sig|signature|x-amz-signature|x-amz-credential|token|password|secret|key)=[^&\s"]+/) {
            "\($0.output.1)=(hidden)"
        }
        text = text.replacing(/(?:, )?(?:request|host) id: [^\s,]*/, with: "")
        let words = text.split {
            $0.isWhitespace || $0.isNewline || $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
        }
        var line = words.joined(separator: " ")
        // Who failed is known; why comes last.
        line = String(line.replacing(/^(?:ERROR : )?(?:Failed to [a-z]+(?: with \d+ errors: last error was)?: )?/, with: ""))
        line = String(line.replacing(/^Failed to create file system for "[^"]*": (?:NewFs: )?/, with: ""))
        return String(line.prefix(Limits.destinationErrorCharacters))
    }
}
