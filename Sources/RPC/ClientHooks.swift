package import Messages
package import Model

/// What a client tells whoever watches it, and what it asks of them. Called on any thread; they must not block.
package struct ClientHooks: Sendable {
    /// A connection has been made.
    package var connected: @Sendable () -> Void = {}
    /// A call has failed and is tried again after a pause.
    package var tryingAgain: @Sendable (MethodName, Status, Duration) -> Void = { _, _, _ in }
    /// The W3C trace context of the task that calls; nil: there is none.
    package var traceParent: @Sendable () -> String? = { nil }

    package init() {}

    /// What goes with a call.
    var metadata: [RequestEnvelope.Metadata] {
        guard let value = traceParent(), value.utf8.count <= Limits.nameBytes else { return [] }
        return [RequestEnvelope.Metadata(key: "traceparent", value: value)]
    }
}
