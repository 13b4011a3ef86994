import Dataset
import Messages
import Model
import RPC
import SealedBox

/// Opens what waited in senders' spools, and refuses what may not come in any more.
struct SpoolGate: Sendable {
    let keys: SpoolKeys
    let gate: AccessGate
    let time: any TimeSource

    /// The key to seal to, for a sender of the sandbox.
    func key(_ request: SandboxRequest, _ place: Place) async throws(Status) -> SpoolKey {
        let key = try await keys.newest()
        return SpoolKey(
            publicKey: key.pair.publicKey, sandbox: place.sandbox.name, user: place.user, renewAt: key.renewAt,
            keptUntil: key.keptUntil)
    }

    /// The message of a sealed entry.
    ///
    /// - Throws: `failedPrecondition` when it is older than what is retained, `invalidArgument` when it cannot be opened,
    ///   `permissionDenied` when it is another user's or sandbox's. Each is audited.
    func open(
        _ box: [UInt8], sealedTo publicKey: [UInt8], of call: Call, into entry: SandboxDirectory.Entry
    ) throws(Status) -> SpooledMessage {
        do throws(Status) {
            return try opened(box, publicKey, call, entry)
        } catch {
            gate.refusals.add(call, chain: entry.sandbox.id, action: .spoolRefused)
            throw error
        }
    }

    private func opened(
        _ box: [UInt8], _ publicKey: [UInt8], _ call: Call, _ entry: SandboxDirectory.Entry
    ) throws(Status) -> SpooledMessage {
        guard let pair = keys.pair(of: publicKey) else {
            throw Status(
                .failedPrecondition, "the key that the entry is sealed to is not kept any more, or is another daemon's",
                field: "spool_key", hint: "it cannot be read any more: discard it")
        }
        guard let packed = SealedBox.open(box, pair) else {
            throw Status(
                .invalidArgument, "the entry is not as it was sealed", field: "content", hint: "it is damaged: discard it")
        }
        var message = try SpooledMessage(packed: packed)
        // A sender's clock that is ahead does not make it younger than it can be.
        message.spooledAt = min(message.spooledAt, time.now)
        guard message.user == call.peer.uid, message.sandbox == entry.sandbox.name else {
            throw Status(
                .permissionDenied, "the entry is not of this user and sandbox", field: "user",
                hint: "whoever spooled it hands it over, to the same sandbox")
        }
        try requireRetained(message.spooledAt, entry.sandbox)
        return message
    }

    /// What was spooled so long ago might be stored twice: its id, if it was stored, is known no more.
    private func requireRetained(_ spooledAt: Instant, _ sandbox: Sandbox) throws(Status) {
        let policy: RetentionPolicy
        do { policy = try sandbox.policy } catch { throw Status(error) }
        guard Instant.representable.contains(spooledAt),
            time.now < policy.retention.expiry(of: policy.zone.day(containing: spooledAt), in: policy.zone)
        else {
            throw Status(
                .failedPrecondition,
                "the entry was spooled at \(spooledAt): what is older than the retention of \(policy.retention.days) days is not taken",
                field: "spooled_at_ms", hint: "discard it")
        }
    }
}
