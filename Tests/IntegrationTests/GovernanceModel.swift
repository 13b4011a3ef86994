import MessageExportClient
import Model
import TestSupport

/// What the daemon is to do, as simple as it can be said: the rules of sandboxes, roles, configurations and ingests.
struct GovernanceModel {
    enum Operation {
        case createSandbox, deleteSandbox(String), resetSandbox(String)
        case entitle(Bool)
        case grant(Role, String), revoke(Role, String)
        case createConfiguration(String, String, flag: Bool, isGood: Bool, submit: Bool)
        case editConfiguration(String, String, flag: Bool?, isGood: Bool?, submit: Bool, ifVersion: UInt32?)
        case submitConfiguration(String, String), deactivate(String, String), activate(String, String)
        case duplicate(String, String, String)
        case ingest(String, configuration: String, id: Int, text: Int, isEarly: Bool)
        case read(String, id: Int)
        case list(String)
    }

    /// What an operation ends with: a code or, where it is done, what is to be seen of it.
    enum Answer: Equatable, CustomStringConvertible {
        case code(Status.Code)
        case done
        case outcome(Outcome)
        case configuration(ChannelConfiguration.State, UInt32, Bool, pending: UInt32?)
        case names([String])

        var description: String {
            switch self {
            case .code(let code): code.name
            case .done: "done"
            case .outcome(let outcome): outcome.rawValue
            case .configuration(let state, let version, let flag, let pending):
                "\(state.rawValue) \(version) \(flag) \(pending.map { "\($0)" } ?? "-")"
            case .names(let names): "\(names)"
            }
        }
    }

    struct Configuration {
        var state = ChannelConfiguration.State.draft
        var version: UInt32 = 1
        var flag: Bool
        var isGood: Bool
        var pending: (version: UInt32, flag: Bool, isGood: Bool)?

        var answer: Answer { .configuration(state, version, flag, pending: pending?.version) }

        /// What it is made of next.
        var newest: (version: UInt32, flag: Bool, isGood: Bool) { pending ?? (version, flag, isGood) }

        mutating func submit() -> Bool {
            guard state == .draft || (state == .active && pending != nil) else { return false }
            let next = newest
            guard next.isGood else {
                if state == .draft { state = .failed }
                return true
            }
            (state, version, flag, isGood, pending) = (.active, next.version, next.flag, next.isGood, nil)
            return true
        }
    }

    struct Sandbox {
        var roles: Set<Role> = []
        var configurations: [String: Configuration] = [:]
        /// What is kept of each id.
        var records: [Int: String] = [:]
    }

    private(set) var sandboxes: [String: Sandbox] = [defaultSandbox: Sandbox()]
    private(set) var created = 0
    private var isEntitled = true

    /// The name that the next sandbox gets.
    var nextSandbox: String { "s\(created + 1)" }

    /// Whether the caller may read content, and the audit, of a sandbox; of the organization it may.
    func mayRead(_ name: String) -> Bool { name.isEmpty || sandboxes[name]?.roles.contains(.auditor) == true }

    mutating func perform(_ operation: Operation) -> Answer {
        switch operation {
        case .createSandbox:
            created += 1
            sandboxes["s\(created)"] = Sandbox()
            return .done
        case .deleteSandbox(let name):
            guard sandboxes[name] != nil else { return .code(.notFound) }
            guard name != defaultSandbox else { return .code(.failedPrecondition) }
            sandboxes[name] = nil
            return .done
        case .resetSandbox(let name):
            guard let sandbox = sandboxes[name] else { return .code(.notFound) }
            sandboxes[name] = Sandbox(roles: sandbox.roles)
            return .done
        case .entitle(let isOn):
            isEntitled = isOn
            return .done
        case .grant(let role, let name):
            guard sandboxes[name] != nil else { return .code(.notFound) }
            sandboxes[name]?.roles.insert(role)
            return .done
        case .revoke(let role, let name):
            guard sandboxes[name] != nil else { return .code(.notFound) }
            return sandboxes[name]?.roles.remove(role) == nil ? .code(.notFound) : .done
        case .ingest(let name, let configuration, let id, let text, let isEarly):
            return ingest(name, configuration, id, text, isEarly)
        case .read(let name, let id):
            guard let sandbox = sandboxes[name], sandbox.roles.contains(.auditor) else { return .code(.permissionDenied) }
            return sandbox.records[id] == nil ? .code(.notFound) : .done
        case .list(let name):
            guard let sandbox = sandboxes[name] else { return .code(.permissionDenied) }
            return .names(sandbox.configurations.keys.sorted())
        default: return change(operation)
        }
    }

    private func ingest(_ name: String, _ configuration: String, _ id: Int, _ text: Int, _ isEarly: Bool) -> Answer {
        guard let sandbox = sandboxes[name], sandbox.roles.contains(.sender) else { return .code(.permissionDenied) }
        guard let found = sandbox.configurations[configuration] else { return .code(.notFound) }
        guard found.state == .active, isEntitled else { return .code(.failedPrecondition) }
        let content = "\(configuration) \(text) \(isEarly)"
        if let kept = sandbox.records[id] { return kept == content ? .outcome(.duplicate) : .code(.alreadyExists) }
        guard found.flag else { return .outcome(.exportDisabled) }
        return .outcome(isEarly ? .beforeEnabled : .stored)
    }

    /// Keeps what was stored.
    mutating func note(_ operation: Operation, _ answer: Answer) {
        guard case .ingest(let name, let configuration, let id, let text, let isEarly) = operation, answer == .outcome(.stored)
        else { return }
        sandboxes[name]?.records[id] = "\(configuration) \(text) \(isEarly)"
    }

    private mutating func change(_ operation: Operation) -> Answer {
        let isEntitled = isEntitled
        switch operation {
        case .createConfiguration(let name, let made, let flag, let isGood, let submit):
            return changing(name) { sandbox in
                guard sandbox.configurations[made] == nil else { return .code(.alreadyExists) }
                guard !flag || isEntitled else { return .code(.failedPrecondition) }
                var configuration = Configuration(flag: flag, isGood: isGood)
                if submit { _ = configuration.submit() }
                sandbox.configurations[made] = configuration
                return configuration.answer
            }
        case .duplicate(let name, let original, let made):
            return changing(name) { sandbox in
                guard let original = sandbox.configurations[original] else { return .code(.notFound) }
                guard sandbox.configurations[made] == nil else { return .code(.alreadyExists) }
                guard !original.flag || isEntitled else { return .code(.failedPrecondition) }
                let configuration = Configuration(flag: original.flag, isGood: original.isGood)
                sandbox.configurations[made] = configuration
                return configuration.answer
            }
        case .editConfiguration(let name, let edited, let flag, let isGood, let submit, let ifVersion):
            return changing(name, edited) { Self.edit(&$0, flag, isGood, submit, ifVersion, isEntitled) }
        case .submitConfiguration(let name, let submitted):
            return changing(name, submitted) { configuration in
                guard !configuration.newest.flag || isEntitled, configuration.submit() else { return .code(.failedPrecondition) }
                return configuration.answer
            }
        case .deactivate(let name, let changed), .activate(let name, let changed):
            let isActivating = if case .activate = operation { true } else { false }
            return changing(name, changed) { configuration in
                guard configuration.state == (isActivating ? .deactivated : .active) else { return .code(.failedPrecondition) }
                configuration.state = isActivating ? .active : .deactivated
                return configuration.answer
            }
        default: preconditionFailure("it is no change of a configuration")
        }
    }

    private static func edit(
        _ configuration: inout Configuration, _ flag: Bool?, _ isGood: Bool?, _ submit: Bool, _ ifVersion: UInt32?,
        _ isEntitled: Bool
    ) -> Answer {
        let newest = configuration.newest
        guard ifVersion == nil || ifVersion == newest.version else { return .code(.aborted) }
        guard configuration.state != .deactivated else { return .code(.failedPrecondition) }
        var changed = configuration
        if flag != nil || isGood != nil {
            let next = (version: newest.version + 1, flag: flag ?? newest.flag, isGood: isGood ?? newest.isGood)
            guard !next.flag || isEntitled else { return .code(.failedPrecondition) }
            if changed.state == .active {
                changed.pending = next
            } else {
                (changed.state, changed.version, changed.flag, changed.isGood) = (.draft, next.version, next.flag, next.isGood)
            }
        }
        if submit {
            guard !changed.newest.flag || isEntitled, changed.submit() else { return .code(.failedPrecondition) }
        }
        configuration = changed
        return changed.answer
    }

    private mutating func changing(_ name: String, _ body: (inout Sandbox) -> Answer) -> Answer {
        guard var sandbox = sandboxes[name], sandbox.roles.contains(.operator) else { return .code(.permissionDenied) }
        let answer = body(&sandbox)
        sandboxes[name] = sandbox
        return answer
    }

    private mutating func changing(
        _ name: String, _ configuration: String, _ body: (inout Configuration) -> Answer
    ) -> Answer {
        changing(name) { sandbox in
            guard var found = sandbox.configurations[configuration] else { return .code(.notFound) }
            let answer = body(&found)
            sandbox.configurations[configuration] = found
            return answer
        }
    }
}
