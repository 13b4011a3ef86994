import Foundation
import SystemPackage
import TestSupport
import Testing

/// The C library against the built daemon, under the sanitizers for addresses, leaks and undefined behaviour.
@Suite(.timeLimit(.minutes(10))) struct CClientTests {
    private static let library = Programs.repository.appending("Clients/C")
    private static let built = Programs.repository.appending(".build/c")

    private func bash(_ script: String) async throws -> Programs.Ended { try await Programs.run("/bin/bash", ["-ec", script]) }

    @Test func `it does what its header promises, and tells what is wrong`() async throws {
        let source = try String(contentsOfFile: Self.library.appending("tests/scenes.c").string, encoding: .utf8)
        let scenes = source.matches(of: /PLAY\((\w+)\);/).map { String($0.1) }
        #expect(scenes.count >= 9)
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let ended = try await Programs.run(
                    Self.built.appending("sanitized/scenes"), [daemon.socket, folder.string])
                #expect(ended.code == 0 && ended.output.split(separator: "\n").map(String.init) == scenes, "\(ended.errors)")
                let shown = try await daemon.msgexport("dataset", "get", "c-mail", "-o", "json").output
                for part in ["spring", "p1", "X-Note", "Grüße", "a.bin"] { #expect(shown.contains(part), "\(part): \(shown)") }
            }
        }
    }

    @Test(arguments: ["poll", "batch"])
    func `through restarts of the daemon every message is there once`(_ kind: String) async throws {
        let isFull = ProcessInfo.processInfo.environment["RESTARTS"] == "1"
        let (count, restarts) = isFull ? (100_000, 20) : (5000, 6)
        try await withTemporaryFolder { folder in
            let fixture = DaemonFixture(folder)
            _ = try await fixture.withDaemon { try await createFlow($0, to: nil) }
            let script = Programs.repository.appending("Tests/IntegrationTests/Clients/restarts.py").string
            let client = [Self.built.appending("sanitized/scenes").string, fixture.socket, "bulk", "\(count)", kind]
            let ended = try await Programs.run(
                "/usr/bin/python3",
                [script, "\(count)", "\(restarts)", Programs.daemon.string] + fixture.arguments + ["--"] + client)
            #expect(ended.output == "client 0, \(restarts) restarts\n", "\(ended.output) \(ended.errors)")
            _ = try await fixture.withDaemon { daemon in
                let shown = try await daemon.msgexport("dataset", "show", "-o", "json").output
                #expect(try number(shown, "records") == count, "\(shown)")
            }
        }
    }

    @Test(arguments: ["gcc", "clang"])
    func `it is installed, found by pkg-config, and its example works, shared and static`(_ compiler: String) async throws {
        try await withTemporaryFolder { folder in
            let root = folder.appending("root").string
            let made = try await bash(
                """
                make --no-print-directory -C '\(Self.library)' CC=\(compiler) BUILD='\(folder)/build' PREFIX='\(root)' install >/dev/null
                export PKG_CONFIG_PATH='\(root)/lib/pkgconfig'
                cd '\(Self.library)/examples'
                \(compiler) -Wall -Wextra -Werror send.c $(pkg-config --cflags --libs msgexport) -Wl,-rpath,'\(root)/lib' -o '\(folder)/shared'
                \(compiler) send.c $(pkg-config --cflags msgexport) '\(root)/lib/libmsgexport.a' $(pkg-config --libs libprotobuf-c) -o '\(folder)/static'
                nm -D --defined-only '\(root)/lib/libmsgexport.so' | awk '$2 == "T" { print $3 }'
                nm -g --defined-only '\(root)/lib/libmsgexport.a' | awk '$2 == "T" { print $3 }'
                """)
            #expect(made.code == 0, "\(made.errors)")
            let header = try String(contentsOfFile: Self.library.appending("include/msgexport.h").string, encoding: .utf8)
            let declared = Set(header.matches(of: /MSGEXPORT_API [^(]*?(msgexport_\w+)\(/).map { String($0.1) })
            let exported = made.output.split(separator: "\n").map { $0.split(separator: "@")[0] }.map(String.init)
            #expect(Set(exported) == declared && exported.count == 2 * declared.count, "\(exported)")
            let readme = try String(contentsOfFile: Self.library.appending("README.md").string, encoding: .utf8)
            let example = try String(contentsOfFile: Self.library.appending("examples/send.c").string, encoding: .utf8)
            #expect(readme.contains(example), "the README shows the example as it is")
            let page = try String(contentsOfFile: Self.library.appending("man/msgexport.3").string, encoding: .utf8)
            for name in declared { #expect(page.contains(name), "the man page tells of \(name)") }
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                let created = try await daemon.msgexport(
                    "configuration", "create", "reminders", "--channel", "sms", "--message-export", "on", "--submit")
                #expect(created.code == 0)
                for (program, outcome) in [("shared", 1), ("static", 2)] {
                    let ended = try await bash("MESSAGE_EXPORT_SOCKET='\(daemon.socket)' '\(folder)/\(program)'")
                    #expect(ended.code == 0 && ended.output == "taken, outcome \(outcome)\n", "\(ended.errors)")
                }
            }
            let absent = try await bash("MESSAGE_EXPORT_SOCKET='\(folder)/absent' timeout 60 '\(folder)/shared'")
            #expect(absent.code == 1 && absent.errors.contains("UNAVAILABLE: no daemon answers"), "\(absent.errors)")
        }
    }
}
