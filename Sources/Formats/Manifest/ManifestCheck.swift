/// What is wrong with manifests and the files that they name. Pure: files are looked at by whoever asks.
package struct ManifestCheck: Sendable {
    /// A manifest that was found.
    package struct Found: Sendable {
        /// Where, for people.
        package let place: String
        /// What it says, and its signature.
        package let signed: SignedManifest
        /// SHA-256 of its file, in hexadecimal digits.
        package let sha256: String

        package init(place: String, signed: SignedManifest, sha256: String) {
            self.place = place
            self.signed = signed
            self.sha256 = sha256
        }

        /// What it says.
        package var manifest: Manifest { signed.manifest }
    }

    /// What a manifest says of itself that cannot be: its counts, and the sequences of its files and of what is absent.
    package static func problems(of manifest: Manifest) -> [String] {
        var problems: [String] = []
        let window = manifest.window
        guard window.afterSequence <= window.throughSequence else { return ["its window ends before it begins"] }
        let exported = manifest.exportResults.reduce(0 as UInt64) { $0 &+ $1.records }
        if exported != manifest.records.exported {
            problems.append("its files have \(exported) records, and it counts \(manifest.records.exported) exported ones")
        }
        if manifest.records.received != manifest.records.exported &+ manifest.records.skipped {
            problems.append("it received \(manifest.records.received) records, which are not those exported and skipped")
        }
        var (absent, skipped): (UInt64, UInt64) = (0, 0)
        var lastAbsent = window.afterSequence
        for range in manifest.absent {
            guard range.firstSequence <= range.lastSequence, range.firstSequence > lastAbsent,
                range.lastSequence <= window.throughSequence
            else {
                return problems + ["sequences \(range.firstSequence) to \(range.lastSequence) are not in its window, or twice"]
            }
            lastAbsent = range.lastSequence
            absent += range.lastSequence - range.firstSequence + 1
            skipped += range.skipped
        }
        if skipped != manifest.records.skipped {
            problems.append("it names \(skipped) skipped records, and counts \(manifest.records.skipped)")
        }
        let size = window.throughSequence - window.afterSequence
        if exported &+ absent != size {
            problems.append("of the \(size) sequences of its window it accounts for \(exported &+ absent)")
        }
        var last = window.afterSequence
        for file in manifest.exportResults {
            guard file.firstSequence > last, file.lastSequence >= file.firstSequence, file.lastSequence <= window.throughSequence,
                file.records <= file.lastSequence - file.firstSequence + 1, file.records > 0
            else {
                problems.append("the sequences of \(file.name) are not its own")
                continue
            }
            last = file.lastSequence
        }
        return problems
    }

    /// What is wrong between the manifests of one dataflow: sequences between them, a chain that is broken. In the order of their windows.
    ///
    /// - Parameter chain: at least one, all of one dataflow and epoch, none outside the chain.
    package static func problems(between chain: [Found]) -> [(place: String, text: String)] {
        let chain = ordered(chain)
        var problems: [(place: String, text: String)] = []
        if let previous = chain[0].manifest.previous {
            problems.append((chain[0].place, "the manifest before it, of run \(previous.flowRunId), is not here"))
        }
        for (before, after) in zip(chain, chain.dropFirst()) {
            let (end, start) = (before.manifest.window.throughSequence, after.manifest.window.afterSequence)
            if end < start { problems.append((after.place, "sequences \(end + 1) to \(start) are in no manifest")) }
            if end > start { problems.append((after.place, "sequences \(start + 1) to \(end) are in \(before.place) too")) }
            if after.manifest.previous?.sha256 != before.sha256 {
                problems.append((after.place, "it does not name \(before.place), as that is now, as the manifest before it"))
            }
        }
        return problems
    }

    /// By their windows; those of the same window, which are empty, each after the one that it names.
    private static func ordered(_ chain: [Found]) -> [Found] {
        func window(_ found: Found) -> (UInt64, UInt64) {
            (found.manifest.window.afterSequence, found.manifest.window.throughSequence)
        }
        var left = chain.sorted { window($0) < window($1) }[...]
        var ordered: [Found] = []
        while let next = left.first {
            var same = Array(left.prefix { window($0) == window(next) })
            left = left.dropFirst(same.count)
            while !same.isEmpty {
                let follower = same.firstIndex { $0.manifest.previous?.sha256 == ordered.last?.sha256 }
                ordered.append(same.remove(at: follower ?? 0))
            }
        }
        return ordered
    }
}
