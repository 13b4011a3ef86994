/// A message as it was sent, with its rendered content. Content is never truncated.
public struct Message: Hashable, Sendable {
    /// The sender's id of it: the idempotency key.
    public var id: MessageID
    /// Name of the channel configuration it was sent with.
    public var configuration: String
    /// When it was sent; nil: when it is received.
    public var sentAt: Instant?
    /// What was sent.
    public var content: Content
    /// What the sender knew of its delivery when it handed the message over; nil: it does not say.
    public var deliveryState: DeliveryState?
    /// Campaign, journey, audience.
    public var execution: Execution
    /// How it was made and for which profile.
    public var profile: Profile
    /// Whom it concerns; none: rows name its first recipient.
    public var identities: [Identity]
    /// XDM's event type; nil: `message.sent`.
    public var eventType: String?
    /// XDM's producer; nil: `message-export`.
    public var producedBy: String?

    /// What was sent, by channel.
    public enum Content: Hashable, Sendable {
        case email(Email)
        case sms(Sms)

        /// How it reached people.
        public var channel: Channel {
            switch self {
            case .email: .email
            case .sms: .sms
            }
        }
    }

    public init(
        id: MessageID, configuration: String, sentAt: Instant? = nil, content: Content, deliveryState: DeliveryState? = nil,
        execution: Execution = Execution(), profile: Profile = Profile(), identities: [Identity] = [], eventType: String? = nil,
        producedBy: String? = nil
    ) {
        self.id = id
        self.configuration = configuration
        self.sentAt = sentAt
        self.content = content
        self.deliveryState = deliveryState
        self.execution = execution
        self.profile = profile
        self.identities = identities
        self.eventType = eventType
        self.producedBy = producedBy
    }
}

/// How a message reaches people.
public enum Channel: String, Hashable, Sendable, CaseIterable {
    case email
    case sms

    /// The documented spelling, such as `EMAIL`.
    public var name: String { rawValue.uppercased() }
}

/// What a sender knows of the delivery of a message.
public enum DeliveryState: String, Hashable, Sendable, CaseIterable {
    /// Handed on to the provider.
    case sent = "SENT"
    /// Not handed on yet; it is tried again.
    case delay = "DELAY"
    /// Refused while it was handed on.
    case bounce = "BOUNCE"
    /// Refused later, by a message of its own.
    case outOfBand = "OUT_OF_BAND"
}

/// Someone whom a message concerns, by an id of some namespace.
public struct Identity: Hashable, Sendable {
    /// Such as `email`, `phone` or `crmId`.
    public var namespace: String
    /// Such as an address, a number or a key.
    public var id: String
    /// `ambiguous`, `authenticated` or `loggedOut`; nil: not said.
    public var authenticatedState: String?
    /// Whether it is the one to know the person by; nil: not said.
    public var isPrimary: Bool?

    public init(namespace: String, id: String, authenticatedState: String? = nil, isPrimary: Bool? = nil) {
        self.namespace = namespace
        self.id = id
        self.authenticatedState = authenticatedState
        self.isPrimary = isPrimary
    }
}
