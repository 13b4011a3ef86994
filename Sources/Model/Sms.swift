/// A rendered SMS, or MMS where there is media.
public struct Sms: Hashable, Sendable {
    /// Numbers it was sent from, E.164 or short code.
    public var senderNumbers: [String]
    /// Number it was sent to, E.164.
    public var recipientNumber: String
    /// May be empty where there is media.
    public var text: String
    /// Title of an MMS.
    public var title: String?
    /// Where the media of an MMS is, such as a URL.
    public var media: String?

    public init(senderNumbers: [String], recipientNumber: String, text: String, title: String? = nil, media: String? = nil) {
        self.senderNumbers = senderNumbers
        self.recipientNumber = recipientNumber
        self.text = text
        self.title = title
        self.media = media
    }
}
