import Foundation

/// Colours of words that tell how something is: on a terminal alone, and never where NO_COLOR is set (no-color.org).
enum Paint {
    private static let green = "32"
    private static let yellow = "33"
    private static let red = "31"
    private static let colours = [
        "SERVING": green, "SUCCESS": green, "ACTIVE": green,
        "PROCESSING": yellow, "RUN_DELAYED": yellow, "ENDS_SOON": yellow, "SIGN_IN_ENDS": yellow,
        "NOT_SERVING": red, "FAILED": red, "RUN_FAILED": red, "AT_RISK": red, "EXPIRED_UNEXPORTED": red,
    ]

    private static let isOn: Bool = {
        let environment = ProcessInfo.processInfo.environment
        return Terminal.width != nil && environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }()

    /// A text in its colour, if it is one of those words and a terminal is to show it.
    static func word(_ text: String) -> String {
        guard isOn, let colour = colours[text] else { return text }
        return "\u{1B}[\(colour)m\(text)\u{1B}[0m"
    }
}
