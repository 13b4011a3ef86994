/// What Azure's portal shows as a connection string.
public struct ConnectionString: Sendable {
    /// Name of the storage account.
    public let account: String
    /// The account's key.
    public let key: Secret
    /// Address of the blob service.
    public let endpoint: String

    /// - Throws: `invalidArgument` naming `connection_string`, without any of it.
    public init(_ text: String) throws(Status) {
        var parts: [String: String] = [:]
        for part in text.split(separator: ";") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { parts[String(pair[0])] = String(pair[1]) }
        }
        guard let account = parts["AccountName"], let key = parts["AccountKey"], !account.isEmpty, !key.isEmpty,
            account.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }),
            parts["DefaultEndpointsProtocol"] ?? "https" == "https" || parts["BlobEndpoint"] != nil
        else {
            throw Status(
                .invalidArgument, "not a connection string", field: "connection_string",
                hint: "as in DefaultEndpointsProtocol=https;AccountName=…;AccountKey=…")
        }
        self.account = account
        self.key = Secret(key)
        endpoint = parts["BlobEndpoint"] ?? "https://\(account).blob.\(parts["EndpointSuffix"] ?? "core.windows.net")"
    }
}
