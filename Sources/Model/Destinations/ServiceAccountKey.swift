import FoundationEssentials

/// The JSON key file of a Google service account.
public struct ServiceAccountKey: Sendable {
    /// Who signs in with it.
    public let email: String
    /// Where it is signed in at: what it says itself, so it must be approved as any other host.
    public let tokenAddress: HostAddress

    private struct Members: Decodable {
        let type: String
        let client_email: String
        let private_key: String
        let token_uri: String?
    }

    /// - Throws: `invalidArgument` naming `service_account`, without any of it.
    public init(_ text: String) throws(Status) {
        let members = try? JSONDecoder().decode(Members.self, from: Data(text.utf8))
        guard let members, members.type == "service_account", members.private_key.contains("PRIVATE KEY") else {
            throw Status(
                .invalidArgument, "not the key file of a service account", field: "service_account",
                hint: #"give the JSON file as Google made it, with "type": "service_account", a client_email and a private_key"#)
        }
        guard let address = HostAddress(url: members.token_uri ?? "https://oauth2.googleapis.com/token"),
            address.isEncrypted || address.isThisMachine
        else {
            throw Status(.invalidArgument, "its token_uri is no https address", field: "service_account")
        }
        email = members.client_email
        tokenAddress = address
    }
}
