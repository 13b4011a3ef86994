import Model

/// What all connections of an event loop hold of messages that came, and whose turn it is when there is room again. Used on the event
/// loop only.
final class ReceiveMemory {
    private var taken = 0
    private var waiting: [ServerConnectionHandler] = []

    /// Whether more may be received. One message more than fits may be: then nothing is, until there is room.
    var hasRoom: Bool { taken < Limits.bytesInFlight }

    /// Takes or, when negative, gives back; then those who wait go on, in the order in which they began to.
    func change(by bytes: Int) {
        taken += bytes
        guard bytes < 0 else { return }
        // Who still finds too little room waits again, behind the others.
        while hasRoom, !waiting.isEmpty { waiting.removeFirst().resumeAfterWait() }
    }

    /// Calls `resumeAfterWait` once when there is room.
    func wait(_ handler: ServerConnectionHandler) {
        waiting.append(handler)
    }

    /// Does not call it any more.
    func stopWaiting(_ handler: ServerConnectionHandler) {
        waiting.removeAll { $0 === handler }
    }
}
