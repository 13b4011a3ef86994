import FoundationEssentials

/// The ids that the kernel shows for those it cannot express here, such as users of another namespace.
enum OverflowID {
    static let user = number("/proc/sys/kernel/overflowuid")
    static let group = number("/proc/sys/kernel/overflowgid")

    private static func number(_ path: String) -> UInt32 {
        let text = try? String(contentsOfFile: path, encoding: .utf8)
        return text.flatMap { UInt32($0.prefix { $0.isNumber }) } ?? 65534
    }
}
