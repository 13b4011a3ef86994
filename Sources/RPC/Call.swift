package import Messages
package import Model

/// Who is at the other end of a connection, as the kernel says.
package struct Peer: Hashable, Sendable {
    /// User id as the kernel gives it.
    package let uid: UInt32
    /// Group id as the kernel gives it.
    package let gid: UInt32

    package init(uid: UInt32, gid: UInt32) {
        self.uid = uid
        self.gid = gid
    }
}

/// One call to be served. Whoever gets it answers it once, from any thread; until then the stream is open.
package struct Call: Sendable {
    /// What is called.
    package let method: MethodName
    /// The packed request message.
    package let payload: [UInt8]
    /// Who calls.
    package let peer: Peer

    let streamID: UInt32
    let outbox: Outbox

    /// Ends the call. A result too large for a frame ends it with `resourceExhausted`.
    package func answer(_ result: Result<[UInt8], Status>) {
        outbox.send(streamID, Call.envelope(result))
    }

    static func envelope(_ result: Result<[UInt8], Status>) -> [UInt8] {
        let packed: [UInt8]
        switch result {
        case .success(let payload): packed = ResponseEnvelope.success(payload).packed
        case .failure(let status): packed = ResponseEnvelope.failure(status).packed
        }
        guard packed.count > Limits.frameBytes else { return packed }
        // Clients refuse, or break on, a larger frame.
        return ResponseEnvelope.failure(
            Status(.resourceExhausted, "the answer has \(packed.count) bytes, over the limit of \(Limits.frameBytes)")
        ).packed
    }
}

/// Serves a method. Called on a connection's event loop: must not block.
package typealias MethodHandler = @Sendable (Call) -> Void
