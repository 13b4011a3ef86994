import Foundation
import MessageExportClient
import Model
import SystemPackage
import TestSupport
import Testing

/// Random operations on the built daemon, each compared with the model's answer.
@Suite struct GovernanceModelTests {
    private static let operations = 20_000
    private static let restarts = 10
    private static let early = Instant(milliseconds: 1_000_000)

    @Test func `20,000 random operations, restarts included, end as the model says`() async throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            var model = GovernanceModel()
            for round in 0..<Self.restarts {
                // Each round has its own weights: some operations often, some not at all.
                let weights = (0..<15).map { _ in Int.random(in: 0...8, using: &generator) }
                let (before, start) = (model, generator)
                let ended = try await fixture.withDaemon(granting: false) { daemon in
                    var (model, generator) = (before, start)
                    let clients = Clients(daemon.socket)
                    for number in 0..<Self.operations / Self.restarts {
                        let operation = Self.operation(&generator, model, weights)
                        let next = model.nextSandbox
                        let expected = model.perform(operation)
                        let answer = try await Self.answer(operation, next, clients)
                        try #require(answer == expected, "round \(round), \(number): \(operation), SEED=\(seed)")
                        model.note(operation, answer)
                    }
                    for name in [""] + model.sandboxes.keys.sorted() where model.mayRead(name) {
                        let client = try await clients.of(name.isEmpty ? defaultSandbox : name)
                        let found = try await client.verifyAudit(organization: name.isEmpty)
                        #expect(found.failure == nil, "SEED=\(seed)")
                    }
                    await clients.close()
                    return (model, generator)
                }
                (model, generator) = ended.value
            }
        }
    }

    private static func operation(
        _ generator: inout SeededGenerator, _ model: GovernanceModel, _ weights: [Int]
    ) -> GovernanceModel.Operation {
        func any<Value>(_ values: [Value]) -> Value { values.randomElement(using: &generator) ?? values[0] }
        func flip() -> Bool { Bool.random(using: &generator) }
        let sandbox = flip() ? defaultSandbox : any(model.sandboxes.keys.sorted() + ["nowhere"])
        let configuration = any(["a", "b", "c", "d"])
        var choice = Int.random(in: 0..<weights.reduce(8, +), using: &generator)
        let kind = weights.firstIndex { weight in
            defer { choice -= weight }
            return choice < weight
        }
        switch kind {
        case 0: return model.sandboxes.count < 4 && flip() ? .createSandbox : .list(sandbox)
        case 1: return any([.resetSandbox(sandbox), .deleteSandbox(sandbox), .read(sandbox, id: 1), .read(sandbox, id: 2)])
        case 2: return any([.entitle(false), .entitle(true), .entitle(true)])
        case 3, 4: return .grant(any([.sender, .operator, .auditor, .viewer]), sandbox)
        case 5: return .revoke(any([.sender, .operator, .auditor, .viewer]), sandbox)
        case 6: return .createConfiguration(sandbox, configuration, flag: flip(), isGood: flip() || flip(), submit: flip())
        case 7, 8:
            let version = UInt32.random(in: 1...4, using: &generator)
            let (flag, isGood): (Bool?, Bool?) = (any([nil, true, false]), any([nil, true, true, false]))
            return .editConfiguration(
                sandbox, configuration, flag: flag, isGood: isGood, submit: (flag == nil && isGood == nil) || flip(),
                ifVersion: flip() && flip() ? version : nil)
        case 9: return .submitConfiguration(sandbox, configuration)
        case 10: return .deactivate(sandbox, configuration)
        case 11: return .activate(sandbox, configuration)
        case 12: return .duplicate(sandbox, configuration, any(["a", "b", "c", "d"]))
        case 13: return .read(sandbox, id: Int.random(in: 0..<40, using: &generator))
        default:
            return .ingest(
                sandbox, configuration: configuration, id: Int.random(in: 0..<40, using: &generator), text: any([0, 0, 0, 1]),
                isEarly: flip() && flip())
        }
    }

    /// Connections for each sandbox that is named.
    private final class Clients {
        private let socket: String
        private var all: [String: MessageExportClient] = [:]

        init(_ socket: String) {
            self.socket = socket
        }

        func of(_ sandbox: String) async throws(Status) -> MessageExportClient {
            if let client = all[sandbox] { return client }
            let client = try await MessageExportClient.connect(socket: socket, sandbox: sandbox, retryTime: .zero)
            all[sandbox] = client
            return client
        }

        func close() async {
            for client in all.values { await client.close() }
        }
    }

    private static func answer(
        _ operation: GovernanceModel.Operation, _ next: String, _ clients: Clients
    ) async throws -> GovernanceModel.Answer {
        let prod = try await clients.of(defaultSandbox)
        let caller = Subject.user(geteuid())
        do throws(Status) {
            switch operation {
            case .createSandbox: _ = try await prod.createSandbox(name: next)
            case .deleteSandbox(let name): try await prod.deleteSandbox(name: name, confirm: name)
            case .resetSandbox(let name): _ = try await prod.resetSandbox(name: name, confirm: name)
            case .entitle(let isOn): _ = try await prod.editOrganization(messageExport: isOn)
            case .grant(let role, let name): try await clients.of(name).grant(role, to: caller)
            case .revoke(let role, let name): try await clients.of(name).revoke(role, of: caller)
            case .read(let name, let id): _ = try await clients.of(name).records(messageID: "m\(id)")
            case .list(let name): return .names(try await clients.of(name).configurations().map(\.name))
            case .ingest(let name, let configuration, let id, let text, let isEarly):
                let message = Message(
                    id: try MessageID("m\(id)"), configuration: configuration, sentAt: isEarly ? early : nil,
                    content: .sms(Sms(senderNumbers: ["1"], recipientNumber: "2", text: "\(text)")))
                return .outcome(try await clients.of(name).ingest(message).outcome)
            default: return try await change(operation, clients)
            }
            return .done
        } catch {
            return .code(error.code)
        }
    }

    private static func change(
        _ operation: GovernanceModel.Operation, _ clients: Clients
    ) async throws(Status) -> GovernanceModel.Answer {
        let changed: ChannelConfiguration
        switch operation {
        case .createConfiguration(let name, let made, let flag, let isGood, let submit):
            var settings = ConfigurationSettings(messageExport: flag)
            settings.senderNumbers = numbers(isGood)
            changed = try await clients.of(name).createConfiguration(
                name: made, channel: .sms, settings: settings, submit: submit)
        case .editConfiguration(let name, let edited, let flag, let isGood, let submit, let ifVersion):
            var change = ConfigurationChange(messageExport: flag)
            change.senderNumbers = isGood.map(numbers)
            changed = try await clients.of(name).editConfiguration(name: edited, change, submit: submit, ifVersion: ifVersion)
        case .submitConfiguration(let name, let submitted):
            changed = try await clients.of(name).submitConfiguration(name: submitted)
        case .deactivate(let name, let deactivated):
            changed = try await clients.of(name).deactivateConfiguration(name: deactivated)
        case .activate(let name, let activated):
            changed = try await clients.of(name).activateConfiguration(name: activated)
        case .duplicate(let name, let original, let made):
            changed = try await clients.of(name).duplicateConfiguration(name: original, as: made)
        default: preconditionFailure("it is no change of a configuration")
        }
        return .configuration(changed.state, changed.version, changed.messageExport, pending: changed.pending?.version)
    }

    private static func numbers(_ isGood: Bool) -> [String] { isGood ? ["+12025550123"] : ["no number"] }
}
