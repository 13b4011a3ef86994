import Formats
import Foundation
import Model

/// When a shared access signature of Azure's ends: its `se=`.
enum SharedAccessSignature {
    /// - Parameter text: a signature, or an address with one.
    /// - Returns: nil when it does not say.
    static func end(of text: String) -> Instant? {
        let query = text.split(separator: "?", maxSplits: 1).last ?? ""
        for pair in query.split(separator: "&") where pair.hasPrefix("se=") {
            let value = pair.dropFirst(3).removingPercentEncoding ?? ""
            // A day alone, or a time of it, which may leave out the seconds.
            let whole = value.contains("T") ? value : "\(value)T00:00:00Z"
            return Instant(whole) ?? Instant(whole.replacingOccurrences(of: "Z", with: ":00Z"))
        }
        return nil
    }
}

extension [String: Secret] {
    /// When what is signed in with ends, where that is written in it.
    var signInEnd: Instant? {
        ["sas_token", "sas_url"].compactMap { self[$0].flatMap { SharedAccessSignature.end(of: $0.text) } }.min()
    }
}
