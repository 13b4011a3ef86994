extension AsyncStream where Element: Sendable {
    /// Calls `body` with each element, up to `limit` at the same time. Returns when the stream has ended and all calls have.
    func forEach(atOnce limit: Int, _ body: @escaping @Sendable (Element) async -> Void) async {
        await withTaskGroup(of: Void.self) { group in
            var atWork = 0
            for await element in self {
                if atWork == limit {
                    await group.next()
                    atWork -= 1
                }
                group.addTask { await body(element) }
                atWork += 1
            }
        }
    }
}
