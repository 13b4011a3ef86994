import Model
import Yams

/// What a configuration file tells.
public struct SettingsFile: Sendable {
    /// Where it was read from, for what is told of it.
    public let path: String
    let texts: [Setting: String]
    /// What in it says nothing that the daemon knows.
    let problems: [String]

    /// - Parameter text: YAML.
    /// - Throws: when it is none, with the line.
    public init(path: String, text: String) throws(SettingsError) {
        self.path = path
        let root: Node?
        do { root = try Yams.compose(yaml: text) } catch { throw SettingsError(problems: ["\(path): it is no YAML: \(error)"]) }
        var reading = Reading(path: path)
        if let root, root.null == nil { reading.take(root, prefix: "") }
        texts = reading.texts
        problems = reading.problems
    }

    private struct Reading {
        let path: String
        var texts: [Setting: String] = [:]
        var problems: [String] = []

        mutating func take(_ node: Node, prefix: String) {
            guard let mapping = node.mapping else {
                return complain(
                    node,
                    "\(prefix.isEmpty ? "it" : String(prefix.dropLast())) must be settings with their values, as name: value")
            }
            for (name, value) in mapping {
                let key = prefix + (name.scalar?.string ?? "")
                if let setting = Setting.all.first(where: { $0.key == key }) {
                    take(value, for: setting)
                } else if prefix.isEmpty, Setting.all.contains(where: { $0.key.hasPrefix("\(key).") }) {
                    if value.null == nil { take(value, prefix: "\(key).") }
                } else {
                    complain(name, "\(key) is unknown" + suggestion(for: key))
                }
            }
        }

        private func suggestion(for key: String) -> String {
            let known = Setting.all.map(\.key)
            let nearest = Suggestion.nearest(to: key, among: known) ?? known.first { $0.hasSuffix(".\(key)") }
            return nearest.map { ": did you mean \($0)?" } ?? ": 'msgexportd config example' shows what there is"
        }

        private mutating func take(_ value: Node, for setting: Setting) {
            guard value.null == nil else { return }
            guard setting.shape == .sockets else {
                guard let scalar = value.scalar else { return complain(value, "\(setting.key) must be one value") }
                // As it is written: 0660 is no number here, and off no switch.
                texts[setting] = scalar.string
                return
            }
            guard let mapping = value.mapping else {
                return complain(value, "\(setting.key) must be a path for each sandbox's name, as name: path")
            }
            let lines = mapping.map { name, path in "\(name.scalar?.string ?? "")=\(path.scalar?.string ?? "")" }
            texts[setting] = lines.sorted().joined(separator: "\n")
        }

        private mutating func complain(_ node: Node, _ text: String) {
            problems.append("\(path)\(node.mark.map { ", line \($0.line)" } ?? ""): \(text)")
        }
    }
}
