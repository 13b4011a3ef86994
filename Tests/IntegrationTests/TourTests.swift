import Foundation
import SystemPackage
import TestSupport
import Testing

/// The README holds what it says.
@Suite struct TourTests {
    private func readme() throws -> String {
        try String(contentsOfFile: Programs.repository.appending("README.md").string, encoding: .utf8)
    }

    @Test func `each command of the README's tour works, in their order`() async throws {
        let readme = try readme()
        let start = try #require(readme.range(of: "## Five minutes\n\n```sh\n")?.upperBound)
        let end = try #require(readme.range(of: "```", range: start..<readme.endIndex)?.lowerBound)
        let lines = readme[start..<end].split(separator: "\n").filter { !$0.hasPrefix("make deps") && !$0.hasPrefix("#") }
        #expect(lines.count > 15)
        try await withTemporaryFolder { folder in
            let programs = Programs.client.removingLastComponent()
            let tour = lines.joined(separator: "\n").replacing("/tmp/me", with: folder.string)
            let ended = try await Programs.run(
                "/bin/bash",
                ["-c", "set -eo pipefail; export PATH='\(programs)':$PATH; unset MESSAGE_EXPORT_SANDBOX\n\(tour)\nwait"])
            #expect(ended.code == 0, "\(ended.output)\(ended.errors)")
            for part in ["SERVING", "DUPLICATE", "EXPORT_DISABLED", "SUCCESS", "See you at 9 🦷", "\"_id\":\"order-4711\""] {
                #expect(ended.output.contains(part), "\(part)")
            }
            #expect(!FileManager.default.fileExists(atPath: folder.appending("socket").string), "the daemon has ended")
        }
    }

    @Test func `the exit codes of the README are those of the help`() async throws {
        let readme = try readme()
        let help = try await Programs.run(Programs.client, ["--help"]).output
        let codes = help.matches(of: /\n +(\d+) +(.+)/).map { "| \($0.1) | \($0.2) |" }
        #expect(codes.count == 12)
        for code in codes { #expect(readme.contains(code), "\(code)") }
    }

    @Test func `the README names every outcome`() throws {
        let readme = try readme()
        for outcome in ["STORED", "DUPLICATE", "EXPORT_DISABLED"] { #expect(readme.contains("| `\(outcome)` |")) }
    }
}
