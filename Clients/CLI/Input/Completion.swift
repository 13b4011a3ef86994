import ArgumentParser
import MessageExportClient

extension CompletionKind {
    /// What the daemon has of a kind, asked when somebody presses Tab; nothing where it does not answer soon.
    static func names(of thing: NamedThing) -> CompletionKind {
        .custom { (words: [String], _: Int, _: String) async in
            var connection = Connection()
            connection.socket = value(of: "--socket", in: words)
            connection.sandbox = value(of: "--sandbox", in: words)
            guard
                let client = try? await MessageExportClient.connect(
                    socket: connection.resolvedSocket, sandbox: connection.resolvedSandbox,
                    timeout: .milliseconds(Limits.completionMilliseconds), retryTime: .zero)
            else { return [] }
            let names = (try? await thing.names(client)) ?? []
            await client.close()
            return names
        }
    }

    /// What follows an option in what was typed so far.
    private static func value(of option: String, in words: [String]) -> String? {
        for (word, next) in zip(words, words.dropFirst()) {
            if word == option { return next }
        }
        return words.first { $0.hasPrefix("\(option)=") }.map { String($0.dropFirst(option.count + 1)) }
    }
}
