/// A setting that a type of destinations has.
public struct DestinationOption: Hashable, Sendable {
    /// What a value must look like.
    public enum Form: Hashable, Sendable {
        /// An absolute path of the daemon's machine.
        case folder
        /// A folder below the destination's root; not `..`, no empty part.
        case path
        case host
        case port
        /// `https://HOST[:PORT][/PATH]`; `http` for this machine itself alone.
        case url
        /// Amazon's rule for buckets, which Google's follow.
        case bucket
        /// Microsoft's rule for containers.
        case container
        /// Letters, digits, and those of `._@+=,:/-` that are listed; at most 256.
        case word(String)
        /// Bytes a second: a whole number, and K, M or G.
        case rate
        case choice([String])
        /// `on` or `off`.
        case flag
        /// Public keys of a host, one a line, each as in `ssh-ed25519 AAAA…`.
        case hostKeys
        /// Any text, over several lines too: secrets.
        case text
    }

    /// What a change of it means.
    public enum Part: Hashable, Sendable {
        /// It says where files go: not to be changed under a run that delivers.
        case place
        /// It says who delivers.
        case signIn
        /// Anything else.
        case manner
    }

    /// As on the wire and in the catalog; on the command line with `-`.
    public let name: String
    /// What a value must look like.
    public let form: Form
    /// What a change of it means.
    public let part: Part
    /// Whether there is no destination without it.
    public let isRequired: Bool
    /// Never told to anybody once it is set.
    public let isSecret: Bool
    /// What it is when it is not set.
    public let standard: String?
    /// What it is, for people.
    public let help: String

    init(
        _ name: String, _ form: Form, _ part: Part, required: Bool = false, secret: Bool = false,
        standard: String? = nil, _ help: String
    ) {
        self.name = name
        self.form = form
        self.part = part
        isRequired = required
        isSecret = secret
        self.standard = standard
        self.help = help
    }

    /// Makes sure that a value is of its form. A secret's value is not told.
    ///
    /// - Throws: `invalidArgument` naming the option.
    public func check(_ value: String) throws(Status) {
        guard value.utf8.count <= Limits.destinationValueBytes else {
            throw Status(
                .invalidArgument, "\(value.utf8.count) bytes, at most \(Limits.destinationValueBytes) are allowed", field: name,
                limit: Limits.destinationValueBytes)
        }
        guard !value.isEmpty, !value.utf8.contains(0) else { throw wrong("empty, or with a NUL in it") }
        if isSecret || form == .text { return }
        guard value.unicodeScalars.allSatisfy({ ($0.value >= 0x20 && $0.value != 0x7F) || (form == .hostKeys && $0 == "\n") })
        else {
            throw wrong("control characters are not allowed")
        }
        if let reason = form.fault(value) { throw wrong(reason) }
    }

    private func wrong(_ reason: String) -> Status { Status(.invalidArgument, reason, field: name, hint: help) }
}

extension DestinationOption.Form {
    /// What is wrong with a value without control characters; nil: nothing.
    func fault(_ value: String) -> String? {
        switch self {
        case .text: nil
        case .folder: value.hasPrefix("/") ? nil : "not an absolute path of a folder: \(value)"
        case .path:
            Self.isPath(value)
                ? nil : "not a path: parts of letters, digits and !-_.'()+$%*=@ between single slashes, without '..'"
        case .host: Self.isHost(value) ? nil : "not the name or address of a host: \(value)"
        case .port: UInt16(value).map { $0 > 0 } ?? false ? nil : "not a port: 1 to 65535"
        case .url: Self.urlFault(value)
        case .bucket:
            Self.isBucket(value)
                ? nil
                : "not the name of a bucket: 3 to 63 lowercase letters, digits, '-' and '.', a letter or digit at each end, no address"
        case .container:
            Self.isContainer(value) ? nil : "not the name of a container: 3 to 63 lowercase letters, digits and single '-'"
        case .word(let marks):
            value.utf8.count <= 256 && value.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || marks.contains($0)) }
                ? nil : "only letters, digits and \(marks) are allowed, at most 256"
        case .rate:
            (Int(value.hasSuffix("K") || value.hasSuffix("M") || value.hasSuffix("G") ? value.dropLast() : value[...]) ?? 0) > 0
                ? nil : "not a rate: bytes a second, as in 500K, 10M or 1G"
        case .choice(let choices): choices.contains(value) ? nil : "one of \(choices.joined(separator: ", ")) is expected"
        case .flag: ["on", "off"].contains(value) ? nil : "on or off is expected"
        case .hostKeys: Self.hostKeysFault(value)
        }
    }

    private static func isPath(_ value: String) -> Bool {
        let parts = (value.hasPrefix("/") ? value.dropFirst() : value[...]).split(
            separator: "/", omittingEmptySubsequences: false)
        return value.utf8.count <= 1024
            && parts.allSatisfy { part in
                !part.isEmpty && part != "." && part != ".."
                    && part.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "!-_.'()+$%*=@".contains($0)) }
            }
    }

    static func isHost(_ value: String) -> Bool {
        if value.hasPrefix("["), value.hasSuffix("]") {
            return value.count > 3 && value.dropFirst().dropLast().allSatisfy { $0.isHexDigit || $0 == ":" || $0 == "." }
        }
        return value.utf8.count <= 253
            && value.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.count <= 63 && !label.hasPrefix("-") && !label.hasSuffix("-")
                    && label.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
            }
    }

    private static func isBucket(_ value: String) -> Bool {
        let isEnd = { (character: Character?) in character.map { $0.isLowercase || $0.isNumber } ?? false }
        let labels = value.split(separator: ".", omittingEmptySubsequences: false)
        return (3...63).contains(value.count) && isEnd(value.first) && isEnd(value.last)
            && value.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-" || $0 == ".") }
            && labels.allSatisfy { !$0.isEmpty } && !(labels.count == 4 && labels.allSatisfy { UInt8($0) != nil })
    }

    private static func isContainer(_ value: String) -> Bool {
        (3...63).contains(value.count) && !value.contains("--") && !value.hasPrefix("-") && !value.hasSuffix("-")
            && value.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "-") }
    }

    private static func urlFault(_ value: String) -> String? {
        guard let address = HostAddress(url: value) else { return "not an address as in https://storage.example.com" }
        return address.isEncrypted || address.isThisMachine
            ? nil : "content would cross the network unencrypted: https is expected"
    }

    private static func hostKeysFault(_ value: String) -> String? {
        let types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"]
        let isEach = value.split(separator: "\n").allSatisfy { line in
            let words = line.split(separator: " ")
            return words.count >= 2 && types.contains(String(words[0])) && words[1].hasPrefix("AAAA")
                && words[1].allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "+/=".contains($0)) }
        }
        return isEach ? nil : "not public keys of a host, one a line, each as ssh-keyscan prints it without the host"
    }
}
