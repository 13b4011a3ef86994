import Foundation
import SystemPackage
import TestSupport
import Testing

/// The examples of the Swift client.
@Suite(.timeLimit(.minutes(5))) struct SwiftExampleTests {
    private static func text(_ path: String) throws -> String {
        try String(contentsOfFile: Programs.repository.appending(path).string, encoding: .utf8)
    }

    @Test func `they work`() async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                let created = try await daemon.msgexport(
                    "configuration", "create", "reminders", "--channel", "sms", "--message-export", "on", "--submit")
                #expect(created.code == 0)
                let ended = try await Programs.run(
                    Programs.client.removingLastComponent().appending("SwiftExamples"),
                    [daemon.socket, folder.appending("spool").string])
                #expect(ended.output == "STORED\nSTORED\nprod\n" && ended.code == 0, "\(ended.output) \(ended.errors)")
                let shown = try await daemon.msgexport("dataset", "show", "-o", "json").output
                #expect(try number(shown, "records") == 102)
            }
        }
    }

    @Test(arguments: ["README.md", "Clients/Swift/MessageExportClient.docc/MessageExportClient.md"])
    func `the documents show them as they are`(_ document: String) throws {
        let source = try Self.text("Clients/Examples/Examples.swift")
        let examples = source.components(separatedBy: "// example: ").dropFirst().compactMap { part -> String? in
            let lines = part.components(separatedBy: "\n").dropFirst().prefix {
                $0.trimmingCharacters(in: .whitespaces) != "// end"
            }
            let indent = lines.first?.prefix { $0 == " " }.count ?? 0
            return lines.map { String($0.dropFirst(min(indent, $0.prefix { $0 == " " }.count))) }.joined(separator: "\n")
        }
        let shown = try Self.text(document).components(separatedBy: "```swift\n").dropFirst().compactMap {
            $0.components(separatedBy: "\n```").first
        }
        #expect(shown.count >= 2)
        for block in shown { #expect(examples.contains(block), "\(document) shows \(block)") }
    }
}
