import Model

/// What all connections of an event loop hold of messages that came and of frames that come, and whose turn it is when there is room
/// again. Used on the event loop only.
final class ReceiveMemory {
    private var taken = 0
    /// For large frames, among `taken`.
    private var reserved = 0
    private var waitingForRoom: [ServerConnectionHandler] = []
    private var waitingForFrame: [(handler: ServerConnectionHandler, bytes: Int)] = []

    /// Whether more may be received. One message more than fits may be: then nothing is, until there is room.
    var hasRoom: Bool { taken < Limits.bytesInFlight }

    private func fits(frame: Int) -> Bool { hasRoom && reserved + frame <= Limits.frameBytesReserved }

    /// Takes or, when negative, gives back; then those who wait go on, in the order in which they began to.
    func change(by bytes: Int) {
        taken += bytes
        if bytes < 0 { resumeWaiters() }
    }

    /// Takes the memory of a large frame that has begun, or waits for it: `resumeAfterWait` is called once it is taken. True when it is
    /// taken at once.
    func reserve(_ handler: ServerConnectionHandler, frame: Int) -> Bool {
        guard waitingForFrame.isEmpty, fits(frame: frame) else {
            waitingForFrame.append((handler, frame))
            return false
        }
        take(frame)
        return true
    }

    private func take(_ frame: Int) {
        taken += frame
        reserved += frame
    }

    /// Gives the memory of a large frame back: it is whole, or will never be.
    func giveBack(frame: Int) {
        reserved -= frame
        change(by: -frame)
    }

    /// Calls `resumeAfterWait` once when there is room.
    func waitForRoom(_ handler: ServerConnectionHandler) {
        waitingForRoom.append(handler)
    }

    /// Does not call it any more.
    func stopWaiting(_ handler: ServerConnectionHandler) {
        waitingForRoom.removeAll { $0 === handler }
        waitingForFrame.removeAll { $0.handler === handler }
    }

    private func resumeWaiters() {
        while let first = waitingForFrame.first, fits(frame: first.bytes) {
            waitingForFrame.removeFirst()
            take(first.bytes)
            first.handler.resumeAfterWait(frame: first.bytes)
        }
        // Who still finds too little room waits again, behind the others.
        while hasRoom, !waitingForRoom.isEmpty { waitingForRoom.removeFirst().resumeAfterWait(frame: nil) }
    }
}
