import Foundation
import SystemPackage
import TestSupport
import Testing

/// Completion in the shells themselves, of words and of names that the daemon has.
@Suite(.timeLimit(.minutes(5))) struct CompletionTests {
    /// What each shell offers after `words`, by the script that the command line makes for it.
    private static let shells: [String: @Sendable (FilePath, String) -> [String]] = [
        "bash": { script, words in
            [
                "/usr/bin/bash", "-c",
                """
                source '\(script)'
                COMP_LINE="msgexport \(words)"; COMP_WORDS=(msgexport \(words) ''); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
                COMP_POINT=${#COMP_LINE}; COMP_TYPE=9
                complete -p msgexport | grep -q _msgexport && _msgexport msgexport '' "${COMP_WORDS[COMP_CWORD-1]}"
                printf '%s\\n' "${COMPREPLY[@]}"
                """,
            ]
        },
        // Where it is not typed into, fish runs no function for names: what that function runs is run instead.
        "fish": { script, words in
            [
                "/usr/bin/fish", "-c",
                """
                source '\(script)'
                if test '\(words)' = configuration; complete -C 'msgexport configuration '
                else; SAP_SHELL=fish msgexport ---completion \(words) -- positional@0 0 0 msgexport \(words) ''; end
                """,
            ]
        },
        "zsh": { script, words in
            [
                "/usr/bin/zsh", "-f", "-c",
                """
                zmodload zsh/zpty
                zpty -b shell zsh -f -i
                zpty -w shell "PROMPT= ; autoload -U compinit; compinit -u -D; source '\(script)'; compdef _msgexport msgexport"
                zpty -w shell "zstyle ':completion:*' list-colors ''; LISTMAX=1000; setopt no_always_last_prompt; print READY"
                while zpty -r shell line; do [[ $line == READY* ]] && break; done
                zpty -w -n shell $'msgexport \(words) \\t\\t'
                integer tries=0
                while (( tries++ < 100 )); do
                    while zpty -r -t shell line; do
                        print -r -- $line
                        [[ $line == *(newsletter-fr|duplicate)* ]] && break 2
                    done
                    sleep 0.05
                done
                zpty -d shell
                """,
            ]
        },
    ]

    @Test(arguments: ["bash", "fish", "zsh"])
    func `a shell completes commands, options and the names that are there, and nothing where no daemon answers`(
        _ shell: String
    ) async throws {
        try await withTemporaryFolder { folder in
            let script = folder.appending("script")
            let made = try await Programs.run(Programs.client, ["--generate-completion-script", shell])
            #expect(made.code == 0)
            try made.output.write(toFile: script.string, atomically: true, encoding: .utf8)
            let command = try #require(Self.shells[shell])
            @Sendable func offered(_ words: String, _ socket: String) async throws -> String {
                let path = Programs.client.removingLastComponent().string
                let arguments = command(script, words)
                let ended = try await Programs.run(
                    "/usr/bin/env",
                    ["PATH=\(path):/usr/bin:/bin", "HOME=\(folder)", "TERM=dumb", "MESSAGE_EXPORT_SOCKET=\(socket)"] + arguments)
                return ended.output + ended.errors
            }
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                for name in ["newsletter-de", "newsletter-fr"] {
                    _ = try await daemon.msgexport("configuration", "create", name, "--channel", "email")
                }
                let names = try await offered("configuration show", daemon.socket)
                #expect(names.contains("newsletter-de") && names.contains("newsletter-fr"), "\(names)")
                let commands = try await offered("configuration", daemon.socket)
                #expect(commands.contains("deactivate") && commands.contains("duplicate"), "\(commands)")
            }
            let nothing = try await offered("configuration show", folder.appending("absent").string)
            #expect(!nothing.contains("newsletter") && !nothing.contains("no daemon"), "\(nothing)")
        }
    }
}
