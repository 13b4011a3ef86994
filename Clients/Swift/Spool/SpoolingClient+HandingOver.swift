import Disk
import Logging
import Messages
public import Model
import Synchronization

extension SpoolingClient {
    /// Hands over what waits, the oldest first, until nothing does or the daemon takes no more. What is refused for what somebody can mend
    /// stays, and what follows it goes on.
    ///
    /// - Throws: `aborted` while another process does, `unavailable` when the folder cannot be read.
    public func handOver() async throws(Status) -> Spool.HandedOver {
        var outcome = Spool.HandedOver()
        let folder = folder
        guard let lock = try await onDisk({ () throws(DiskError) in try folder.claim() }) else {
            throw Status(.aborted, "another process hands the spool \(spool.folder) over")
        }
        defer { withExtendedLifetime(lock) {} }
        // A daemon that was away may have come back with other keys; while it is away, nobody looks through a large folder.
        do throws(Status) { try await renewKey(atOnce: true) } catch {
            outcome.stopped = error
            return outcome
        }
        let hourAgo = Instant(milliseconds: WallClock.now.milliseconds - 3_600_000)
        var left = try await onDisk { () throws(DiskError) in try folder.waiting(unfinishedSince: hourAgo) }[...]
        while outcome.stopped == nil, !left.isEmpty {
            let next = left.prefix(Self.together(left))
            left = left.dropFirst(next.count)
            for ended in await handOver(Array(next)) { outcome.add(try ended.get()) }
        }
        return outcome
    }

    /// How many of the oldest go at the same time, to share the daemon's syncs: a large one goes alone, as the daemon has room for few of them.
    private static func together(_ waiting: ArraySlice<SpoolFolder.Name>) -> Int {
        var bytes: Int64 = 0
        let few = waiting.prefix(Limits.spoolHandedOverAtOnce).prefix { name in
            bytes += name.bytes
            return bytes <= Int64(Limits.chunkBytes)
        }
        return max(1, few.count)
    }

    /// Hands several over at the same time; what became of each, in their order.
    private func handOver(_ names: [SpoolFolder.Name]) async -> [Result<Spool.HandedOver, Status>] {
        await withTaskGroup(of: (Int, Result<Spool.HandedOver, Status>).self) { group in
            for (index, name) in names.enumerated() {
                group.addTask {
                    do throws(Status) { return (index, .success(try await self.handOver(name))) } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var ended: [(Int, Result<Spool.HandedOver, Status>)] = []
            for await each in group { ended.append(each) }
            return ended.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func handOver(_ name: SpoolFolder.Name) async throws(Status) -> Spool.HandedOver {
        var outcome = Spool.HandedOver()
        let folder = folder
        var verdict = Verdict.stays
        do throws(Status) {
            guard let entry = try await disk.run({ () throws(Status) in try folder.read(name) }) else { return outcome }
            verdict = .stops
            let result = try await client.ingest(sealed: entry.box, to: entry.publicKey)
            try await onDisk { () throws(DiskError) in try folder.remove(name) }
            if result.expiresAt == nil { outcome.notKept += 1 } else { outcome.taken += 1 }
        } catch {
            // An entry that the disk does not give now holds up none of the others.
            if verdict == .stops || error.code == .dataLoss { verdict = Verdict(error) }
            switch verdict {
            case .stops:
                outcome.stopped = error
                return outcome
            case .stays: outcome.left += 1
            case .isRefused:
                try await onDisk { () throws(DiskError) in try folder.setAside(name) }
                outcome.refused += 1
            }
            outcome.firstRefusal = error
        }
        return outcome
    }

    /// What becomes of an entry that was not taken.
    private enum Verdict {
        /// The reason is the daemon, or who hands over, and no entry: others would fare no better now.
        case stops
        /// Somebody can mend it: it is tried again.
        case stays
        /// It will never be taken.
        case isRefused

        init(_ status: Status) {
            switch (status.code, status.field) {
            case (.permissionDenied, "user"): self = .isRefused
            case (.notFound, "configuration"?), (.failedPrecondition, "configuration"?): self = .stays
            case (.failedPrecondition, .some): self = .isRefused
            case (.invalidArgument, _), (.alreadyExists, _), (.dataLoss, _), (.notFound, .some), (.outOfRange, _):
                self = .isRefused
            default: self = .stops
            }
        }
    }

    /// Asks for a newer key when the one that is known has had its day, or `atOnce`; waits no longer than for an ingest.
    ///
    /// - Throws: `failedPrecondition` when the daemon's sandbox is not the one that the spool is of.
    package func renewKey(atOnce: Bool = false) async throws(Status) {
        let known = key.withLock { $0 }
        if let known, !atOnce, WallClock.now < known.renewAt { return }
        let new = try await within(spool.deadline) { [client] () throws(Status) in try await client.spoolKey() }
        guard known.map({ $0.sandbox == new.sandbox }) ?? true else {
            throw Status(
                .failedPrecondition, "the spool \(spool.folder) is sandbox \(known?.sandbox ?? "")'s, and this is \(new.sandbox)",
                hint: "name another folder")
        }
        key.withLock { $0 = new }
        let folder = folder
        do throws(Status) { try await onDisk { () throws(DiskError) in try folder.keep(new) } } catch {
            // A full disk, which handing over may make room on.
            logger?.warning("the spool's new key is not kept", metadata: ["error": "\(error)"])
        }
    }

    /// Hands over whatever waits, until it is cancelled.
    func keepHandingOver() async {
        let pauses = Limits.spoolPauseMilliseconds
        await withTaskGroup(of: Void.self) { group in
            // What another process has put in is found, too.
            group.addTask { [clock, addition] in
                while (try? await clock.sleep(for: .milliseconds(pauses.upperBound))) != nil { addition.yield() }
            }
            addition.yield()
            var pause = pauses.lowerBound
            for await _ in added {
                let outcome = try? await handOver()
                if let outcome { tell(outcome) }
                guard outcome.map({ $0.stopped != nil || $0.left > 0 }) ?? true else {
                    pause = pauses.lowerBound
                    continue
                }
                try? await clock.sleep(for: .milliseconds(pause))
                pause = min(pause * 2, pauses.upperBound)
                addition.yield()
            }
            group.cancelAll()
        }
    }

    private func tell(_ outcome: Spool.HandedOver) {
        guard let logger else { return }
        if outcome.taken > 0 { logger.debug("handed over", metadata: ["messages": "\(outcome.taken)"]) }
        guard outcome.refused + outcome.left > 0 else { return }
        logger.warning(
            "the daemon does not take what waited in the spool",
            metadata: [
                "setAside": "\(outcome.refused)", "triedAgain": "\(outcome.left)",
                "first": "\(outcome.firstRefusal.map { "\($0)" } ?? "")",
            ])
    }

    // MARK: The folder

    /// What is in the spool.
    public func content() async throws(Status) -> Spool.Content {
        let folder = folder
        return try await onDisk { () throws(DiskError) in try folder.content() }
    }

    /// Puts what was refused among what waits again, for when what it was refused for is mended.
    public func takeUpRefused() async throws(Status) {
        let folder = folder
        try await onDisk { () throws(DiskError) in try folder.takeUpRefused() }
    }

    /// Destroys what was refused; returns how many there were.
    public func discardRefused() async throws(Status) -> Int {
        let folder = folder
        return try await onDisk { () throws(DiskError) in try folder.discardRefused() }
    }

    private func onDisk<Value: Sendable>(
        _ work: @escaping @Sendable () throws(DiskError) -> Value
    ) async throws(Status) -> Value {
        do throws(DiskError) { return try await disk.run(work) } catch { throw Status(.unavailable, "the spool: \(error)") }
    }
}
