import Foundation
import Glibc
import SystemPackage
import TestSupport
import Testing

/// What the command line does with awkward input and output, through a shell as people use it.
@Suite struct CommandLineTests {
    private func shell(_ daemon: DaemonFixture.Running, _ script: String) async throws -> Programs.Ended {
        let set =
            "export MESSAGE_EXPORT_SOCKET='\(daemon.socket)'; msgexport() { '\(Programs.client)' \"$@\"; }; set -o pipefail; "
        return try await Programs.run("/bin/bash", ["-c", set + script])
    }

    private func withMails(_ count: Int, _ body: @Sendable (DaemonFixture.Running, String) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                let mails = folder.appending("mails").string
                try FileManager.default.createDirectory(atPath: mails, withIntermediateDirectories: false)
                for index in 0..<count {
                    try "Subject: \(index)\n\n".write(toFile: "\(mails)/\(index)", atomically: false, encoding: .utf8)
                }
                try await body(daemon, mails)
            }
        }
    }

    private func records(_ daemon: DaemonFixture.Running) async throws -> Int {
        try number(try await daemon.msgexport("status", "-o", "json").output, "records")
    }

    @Test func `an ingest goes on when nobody reads its output any more`() async throws {
        try await withMails(100) { (daemon, mails) async throws in
            let ended = try await shell(daemon, "msgexport ingest email --configuration mail '\(mails)' | head -n 1 >/dev/null")
            #expect(ended.code == 0)
            #expect(try await records(daemon) == 100)
        }
    }

    @Test func `output that cannot be written is a failure that is told, and the ingest is done all the same`() async throws {
        try await withMails(40) { (daemon, mails) async throws in
            let ended = try await shell(daemon, "msgexport ingest email --configuration mail '\(mails)' >/dev/full")
            #expect(ended.code == 1)
            #expect(ended.errors.contains("cannot write to standard output"))
            #expect(try await records(daemon) == 40)
        }
    }

    @Test(arguments: ["2>&-", "2>/dev/full"])
    func `an error nobody can read keeps its exit code`(closed: String) async throws {
        try await withMails(1) { (daemon, mails) async throws in
            #expect(try await shell(daemon, "msgexport dataset get none \(closed)").code == 4)
            #expect(try await shell(daemon, "msgexport nonsense \(closed)").code == 2)
            let ended = try await shell(
                daemon, "msgexport ingest email --configuration mail /etc/debian_version '\(mails)' \(closed)")
            #expect(ended.code == 3)
            #expect(try await records(daemon) == 1)
        }
    }

    @Test func `a folder's files are found whatever bytes their names have, in subfolders too, and links are not followed`()
        async throws
    {
        try await withMails(1) { (daemon, mails) async throws in
            let make =
                "cd '\(mails)'; printf 'Subject: a\\n\\n' >$'caf\\xe9.eml'; mkdir $'sub\\xff'; printf 'Subject: b\\n\\n' >$'sub\\xff/x'; "
            let ended = try await shell(
                daemon, make + "ln -s . loop; mkfifo fifo; cd /; msgexport ingest email --configuration mail '\(mails)'")
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(ended.output.contains("3 STORED"))
        }
    }

    @Test
    func `large mails of a folder are all taken, though not all have room at the same time; a Parquet file is refused as one`()
        async throws
    {
        try await withMails(0) { (daemon, mails) async throws in
            let body = String(repeating: "x", count: 3 << 20)
            for number in 0..<24 {
                try "Subject: \(number)\n\n\(body)\n".write(toFile: "\(mails)/\(number)", atomically: false, encoding: .utf8)
            }
            let ended = try await daemon.msgexport("ingest", "email", "--configuration", "mail", mails)
            #expect(ended.code == 0, "\(ended.errors)")
            #expect(try await records(daemon) == 24)
            try "PAR1\n\n\nPAR1".write(toFile: "\(mails)/x.parquet", atomically: false, encoding: .utf8)
            let refused = try await daemon.msgexport("ingest", "records", "--configuration", "mail", "\(mails)/x.parquet")
            #expect(refused.code == 3 && refused.errors.contains("Parquet"), "\(refused.errors)")
            #expect(refused.errors.split(separator: "\n").count <= 3)
        }
    }

    @Test func `an argument that is not UTF-8 is refused instead of being stored as something else`() async throws {
        try await withMails(0) { (daemon, _) async throws in
            let ended = try await shell(daemon, "msgexport ingest sms --configuration sms --from 1 --to 2 $'bad \\xff'")
            #expect(ended.code == 2)
            #expect(try await records(daemon) == 0)
            let input = try await shell(daemon, "printf 'bad \\xff' | msgexport ingest sms --configuration sms --from 1 --to 2 -")
            #expect(input.code == 3)
        }
    }

    @Test(arguments: [
        "ingest sms --configuration sms --from 1 --to 2 --to 3 x",
        "ingest sms --configuration sms --from 1 --to 2 --sent-at 2026-02-30T00:00:00Z x",
        "ingest sms --configuration sms --from 1 --to 2 --sent-at yesterday x",
        "ingest email --configuration mail --recipient nobody -",
        "destination create d --type local --path ''", "ingest email --configuration mail",
        "dataflow create f --destination d --format xml",
    ])
    func `a wrong command line is refused with code 2 before anything is sent`(command: String) async throws {
        try await withMails(0) { (daemon, _) async throws in
            let ended = try await shell(daemon, "printf 'Subject: x\\n\\n' | msgexport \(command)")
            #expect(ended.code == 2, "\(ended.errors)")
            #expect(ended.errors.contains("Usage:"))
        }
    }

    @Test func `options are taken before the command's name and after it, and from the environment`() async throws {
        try await withMails(0) { (daemon, _) async throws in
            let elsewhere = "export MESSAGE_EXPORT_SOCKET=/nowhere; "
            #expect(try await shell(daemon, "msgexport -o json status").output.hasPrefix("{"))
            #expect(try await shell(daemon, "msgexport status -o json").output.hasPrefix("{"))
            #expect(try await shell(daemon, elsewhere + "msgexport --socket '\(daemon.socket)' status").code == 0)
            #expect(try await shell(daemon, elsewhere + "msgexport status").code == 9)
            #expect(try await shell(daemon, "MESSAGE_EXPORT_SANDBOX=other msgexport status").code == 7)
        }
    }

    @Test func `status tells on one screen how all is; what shows things as they come ends when nobody reads them`() async throws
    {
        try await withMails(3) { (daemon, mails) async throws in
            let ingested = try await daemon.msgexport("ingest", "email", "--configuration", "mail", mails)
            #expect(ingested.code == 0, "\(ingested.errors)")
            let one = try await daemon.msgexport("status", "-o", "json").output
            #expect(try number(one, "newestDayRecords") == 3 && number(one, "records") == 3, "\(one)")
            let free = try number(one, "diskFreeBytes")
            #expect(try free > 0 && free < number(one, "diskBytes"))
            for part in ["\"health\":\"SERVING\"", "\"atRisk\":[]", "\"nextRunAt\":null", "\"waiting\":0", "\"quotaBytes\":null"]
            {
                #expect(one.contains(part), "\(part) in \(one)")
            }
            #expect(!one.contains("recordsPerSecond"))
            let two = try await shell(daemon, "msgexport status --watch --every 1 -o json | head -2 | tail -1")
            #expect(two.code == 0 && two.output.contains("\"recordsPerSecond\":0"), "\(two.output) \(two.errors)")
            let tail = try await shell(
                daemon,
                """
                { msgexport dataset tail -o json | head -1 >/dev/null; } & tail=$!; number=0
                while kill -0 $tail 2>/dev/null && (( number++ < 1000 )); do
                    msgexport ingest sms --configuration sms --from 1 --to 2 "text $number" >/dev/null
                done
                wait $tail; echo "ended $?"
                """)
            #expect(tail.output == "ended 0\n" && tail.errors.isEmpty, "\(tail.output) \(tail.errors)")
        }
    }

    @Test func `sizes are rounded for people, exact in JSON, and taken with their unit`() async throws {
        let sizes: [(bytes: UInt64, text: String)] = [
            (1, "1 B"), (999, "999 B"), (1000, "1.0 KiB"), (1536, "1.5 KiB"), (10_240, "10 KiB"), (1_023_900, "1.0 MiB"),
            (10_740_000_000, "10 GiB"), (1 << 62, "4.0 EiB"),
        ]
        try await withMails(0) { (daemon, _) async throws in
            for (bytes, text) in sizes {
                let edited = try await shell(daemon, "msgexport sandbox edit prod --quota-bytes \(bytes)")
                #expect(edited.code == 0, "\(edited.errors)")
                #expect(
                    edited.output.split(separator: "\n").contains { $0.hasPrefix("Quota: size") && $0.hasSuffix("  \(text)") })
                #expect(try await shell(daemon, "msgexport status -o json").output.contains("\"quotaBytes\":\(bytes),"))
            }
            let units: [(argument: String, bytes: UInt64)] = [
                ("2", 2), ("3B", 3), ("4k", 4096), ("5KiB", 5120), ("20GiB", 20 << 30), ("1TiB", 1 << 40),
            ]
            for (argument, bytes) in units {
                let edited = try await shell(daemon, "msgexport sandbox edit prod -o json --quota-bytes \(argument)")
                #expect(edited.output.contains("\"quotaBytes\":\(bytes),"), "\(argument): \(edited.output) \(edited.errors)")
            }
        }
    }

    @Test func `states are coloured on a terminal alone, and never with NO_COLOR`() async throws {
        try await withMails(0) { (daemon, _) async throws in
            func onTerminal(_ command: String) async throws -> String {
                let terminal = "export -f msgexport; SHELL=/bin/bash script -qec 'stty cols 100; \(command)' /dev/null </dev/null"
                return try await shell(daemon, "unset NO_COLOR; export TERM=xterm; " + terminal).output
            }
            let green = "\u{1B}[32mSERVING\u{1B}[0m"
            #expect(try await onTerminal("msgexport health").contains(green))
            #expect(try await onTerminal("msgexport status").contains(green))
            let states = try await onTerminal("msgexport configuration list")
            #expect(states.contains("\u{1B}[32mACTIVE\u{1B}[0m"), "\(states)")
            for plain in ["NO_COLOR=1 msgexport status", "TERM=dumb msgexport status", "msgexport status -o json"] {
                let shown = try await onTerminal(plain)
                #expect(shown.contains("SERVING") && !shown.contains("\u{1B}"), "\(plain): \(shown)")
            }
            #expect(try await shell(daemon, "msgexport status").output.contains("\u{1B}") == false)
        }
    }

    /// The commands below one, by what its help lists; itself first.
    private func commands(below command: [String]) async throws -> [[String]] {
        let ended = try await Programs.run(Programs.client, command + ["--help"])
        try #require(ended.code == 0)
        let listed = ended.output.components(separatedBy: "SUBCOMMANDS:\n").dropFirst().first ?? ""
        var found = [command]
        for line in listed.split(separator: "\n", omittingEmptySubsequences: false).prefix(while: { !$0.isEmpty }) {
            guard let name = line.firstMatch(of: /^  (\w+)/)?.1 else { continue }
            found += try await commands(below: command + [String(name)])
        }
        return found
    }

    @Test func `every command, at every level, has help with an example`() async throws {
        let all = try await commands(below: [])
        #expect(all.count > 30)
        for command in all {
            let ended = try await Programs.run(Programs.client, command + ["--help"])
            #expect(ended.output.contains("EXAMPLE"), "\(command)")
            // An example that is wrapped cannot be copied.
            let example = ended.output.components(separatedBy: "EXAMPLE").dropFirst().joined()
            let wrapped = example.components(separatedBy: "\n\n")[0].split(separator: "\n").dropFirst().filter {
                !$0.hasPrefix("  ")
            }
            #expect(wrapped.isEmpty, "\(command): \(wrapped)")
            #expect(ended.output.contains("msgexport \(command.joined(separator: " "))"), "\(command)")
        }
        let daemon = try await Programs.run(Programs.daemon, ["--help"])
        #expect(daemon.code == 0)
        #expect(try await Programs.run(Programs.daemon, ["--nonsense"]).code == 2)
        #expect(try await Programs.run(Programs.client, ["--version"]).output == "0.1.0\n")
    }
}
