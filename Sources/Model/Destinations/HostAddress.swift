/// A host, with its port where one is named.
public struct HostAddress: Hashable, Sendable, CustomStringConvertible {
    /// In lowercase.
    public let host: String
    /// Nil: the usual one, whichever that is.
    public let port: UInt16?
    let isEncrypted: Bool

    /// One that is spoken to encrypted.
    public init(host: String, port: UInt16?) {
        self.host = host.lowercased()
        self.port = port
        isEncrypted = true
    }

    /// - Returns: nil when it is no `https` or `http` address of a host, without user, query and fragment.
    init?(url: String) {
        let parts = url.split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, ["https", "http"].contains(parts[0]) else { return nil }
        let rest = parts[1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let path = rest.count > 1 ? rest[1] : ""
        guard let place = rest.first, !path.contains(where: { "?#@\\ ".contains($0) }), let address = HostAddress(place) else {
            return nil
        }
        self.host = address.host
        self.port = address.port ?? (parts[0] == "http" ? 80 : nil)
        isEncrypted = parts[0] == "https"
    }

    /// `HOST` or `HOST:PORT`; IPv6 addresses in brackets.
    init?(_ text: some StringProtocol) {
        var (host, port) = (String(text), UInt16?.none)
        if let colon = text.lastIndex(of: ":"), !text.hasSuffix("]") {
            guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else { return nil }
            (host, port) = (String(text[..<colon]), number)
        }
        guard DestinationOption.Form.isHost(host) else { return nil }
        self.init(host: host, port: port)
    }

    /// Whether what is sent there leaves no machine.
    var isThisMachine: Bool {
        let numbers = host.split(separator: ".").map { UInt8($0) }
        return host == "localhost" || host == "[::1]" || (numbers.count == 4 && numbers[0] == 127 && !numbers.contains(nil))
    }

    public var description: String { port.map { "\(host):\($0)" } ?? host }
}
