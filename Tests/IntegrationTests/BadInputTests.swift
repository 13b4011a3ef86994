import Foundation
import SystemPackage
import TestSupport
import Testing

/// Every bad input that is known of, each with its answer. `BadInput.md` beside this file is the table of it.
@Suite struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        /// What is wrong, for the table.
        let input: String
        /// Bash, with `msgexport`, `msgexportd`, `frame`, `$socket` and `$folder` (see `shell`).
        let script: String
        /// Part of what is said about it.
        let answer: String
        let code: Int32

        init(_ input: String, _ script: String, _ answer: String, _ code: Int32) {
            self.input = input
            self.script = script
            self.answer = answer
            self.code = code
        }

        var testDescription: String { input }
    }

    private static let sms = "msgexport ingest sms --configuration sms --from 1 --to 2"
    private static let email = "msgexport ingest email --configuration mail"

    static let wire = [
        Case("a garbage first frame", #"frame '\x80garbage garbage garbage'"#, "closed", 0),
        Case("a first frame cut off", #"frame '\0\0\0\x40\0\0\0\x01\x01\0half' --close"#, "closed", 0),
        Case("a frame that says it has 4 GiB", #"frame '\xff\xff\xff\xff\0\0\0\x01\x01\0'"#, "closed", 0),
        Case("a frame of 8 MiB", #"frame '\0\x80\0\0\0\0\0\x01\x01\0' --zeros 8388608"#, "RESOURCE_EXHAUSTED", 8),
        Case("a request that is no protobuf", #"frame '\0\0\0\x04\0\0\0\x01\x01\0\xff\xff\xff\xff'"#, "INVALID_ARGUMENT", 3),
        Case("a method that does not exist", #"frame '\0\0\0\x06\0\0\0\x01\x01\0\x0a\x01x\x12\x01y'"#, "UNIMPLEMENTED", 1),
        Case("HTTP/1 sent by mistake", #"frame 'GET / HTTP/1.1\r\n\r\n'"#, "closed", 0),
        Case("HTTP/2 sent by mistake", #"frame 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'"#, "closed", 0),
        Case(
            "a request of 4 MiB that would take 200 MB to decode",
            #"wire 'c.call(INGESTION, "Ingest", pack((2, pack((4, pack((10, b"")) * 2000000)))))'"#,
            "decoding the message would take more than 16777216 bytes of memory", 3),
        Case(
            "1,000 streams on one connection: those over the limit are refused",
            #"wire '[c.begin(INGESTION, "IngestStream", flags=2) for _ in range(256)]; [c.result(c.begin(INGESTION, "IngestStream", flags=2)) for _ in range(744)]'"#,
            "256 streaming calls are under way", 8),
        Case(
            "a stream that is opened and never read, and a peer that is gone in the middle of a frame",
            #"wire 'c.begin("grpc.health.v1.Health", "Watch"); c.socket.sendall(bytes([0, 0x30, 0, 0])); print("done")'"#, "done",
            0),
        Case(
            "a message of an IngestStream that is none",
            #"wire 's = c.begin(INGESTION, "IngestStream", flags=2); c.send(s, 3, 0, b"\xff"); list(c.messages(s))'"#,
            "not a valid protobuf message", 3),
        Case(
            "a chunk of nothing",
            #"wire 's = c.begin(INGESTION, "IngestChunks", flags=2); c.send(s, 3, 0, pack((2, 5))); c.result(s)'"#,
            "a chunk is empty", 3),
        Case("a field of the number 0", #"wire 'c.call("grpc.health.v1.Health", "Check", b"\x82\x00\x00")'"#, "number 0", 3),
        Case(
            "a deadline that passes before a run ends",
            #"wire 'c.call("messageexport.v1.DataflowService", "WaitRun", pack((2, "none")), timeout=-5)'"#,
            "deadline had passed",
            10),
    ]

    static let calls = [
        Case(
            "a call of a service that is not there", "msgexport call messageexport.v1.IngestionServce/Ingest", "did you mean", 4),
        Case("a call of a method that is not there", "msgexport call grpc.health.v1.Health/Chek", "did you mean Check?", 4),
        Case("a call with what is no JSON", "msgexport call grpc.health.v1.Health/Check '{'", "not valid JSON", 3),
        Case(
            "a call with a field that is not there", #"msgexport call grpc.health.v1.Health/Check '{"servce":"x"}'"#,
            "did you mean service?", 3),
        Case(
            "a call with a value of another kind", #"msgexport call grpc.health.v1.Health/Check '{"service":[1]}'"#,
            "a string is expected (service)", 3),
        Case(
            "a call with a number that does not fit",
            #"msgexport call messageexport.v1.DatasetService/PreviewRecords '{"limit":4294967296}'"#,
            "a 32-bit number from 0 up is expected (limit)", 3),
        Case(
            "two messages for a method that takes one", #"printf '{}\n{}\n' | msgexport call grpc.health.v1.Health/Check -"#,
            "takes one message, and 2 are given", 3),
        Case("a description of no method", "msgexport call --describe grpc.health.v1.Health", "give SERVICE/METHOD", 2),
    ]

    static let messages = [
        Case("text that is not UTF-8", "printf 'bad \\xff' | \(sms) -", "not valid UTF-8", 3),
        Case(
            "text with a NUL: it is stored whole",
            "printf 'a\\0b' | \(sms) --message-id nul - && msgexport dataset get nul -o json", #""message":"a\u0000b""#, 0),
        Case("an argument that is not UTF-8", "\(sms) $'bad \\xff'", "not valid UTF-8", 2),
        Case(
            "a message id of 257 bytes", "\(sms) --message-id $(printf '%257s' | tr ' ' x) text", "has 257 bytes, at most 256", 3),
        Case("a time of sending of 0", "\(sms) --sent-at 1970-01-01T00:00:00Z text", "is not a time", 2),
        Case(
            "a record whose members would steer a terminal: they are shown harmless",
            #"set -o pipefail; printf '%s' '{"_id":"1","_experience":{"customerJourneyManagement":{"messageRenderedContent":{"smsContent":{"\u001b[2J":"m"}}}}}' | msgexport ingest records --configuration sms - 2>&1 | tr '\33' '#'"#,
            "smsContent.␛[2J", 3),
        Case(
            "a manifest given for records",
            "printf '{}' >manifest-x.json; msgexport ingest records manifest-x.json", "line 1: the row has no id", 3),
        Case("an empty message id", "\(sms) --message-id '' text", "the message id is empty", 3),
        Case("an SMS without text", "\(sms) ''", "the SMS is empty", 3),
        Case(
            "the other channel's configuration", "msgexport ingest sms --configuration mail --from 1 --to 2 text", "is for EMAIL",
            3),
        Case(
            "a misspelt configuration", "msgexport ingest sms --configuration smss --from 1 --to 2 text", "did you mean sms?", 4),
        Case("a file that is no mail", "printf 'just text' >f; \(email) f", "f: not a mail", 3),
        Case("an empty file", ": >f; \(email) f", "f: not a mail: it is empty", 3),
        Case(
            "a file of 200 MB", "truncate -s 200M f; \(email) f",
            "f: the file has 209715200 bytes; a message has at most 67108864", 3),
        Case(
            "a mail that is too large with its parts",
            "(printf 'Subject: x\\n\\n'; head -c 40000000 /dev/zero | tr '\\0' x) >f; \(email) f", "f: the message has 8000", 3),
        Case("a file that is not there", "\(email) nothing", "nothing: there is no such file or folder", 4),
        Case(
            "a file that is not there, before one that is", "printf 'Subject: x\\n\\n' >f; \(email) nothing f",
            "1 STORED, 1 refused", 4),
        Case(
            "a misspelt option where it is needed", "msgexport ingest sms --configuration sms --form 1 --to 2 text",
            "Unknown option '--form'. Did you mean '--from'?", 2),
        Case("a folder without files", "mkdir d; \(email) d", "d: the folder holds no regular file", 4),
        Case("a FIFO", "mkfifo f; \(email) f", "f: not a regular file", 3),
        Case(
            "a folder with a FIFO and a link to itself: its files are ingested",
            "mkdir d; ln -s . d/loop; mkfifo d/fifo; printf 'Subject: x\\n\\n' >d/mail; \(email) d", "STORED", 0),
        Case("a link to itself", "ln -s loop loop; \(email) loop", "Too many levels of symbolic links", 3),
        Case("a record that is no JSON", "echo '{' | msgexport ingest records -", "line 1: not valid JSON", 3),
        Case(
            "a record's file cut off", "printf '{}\\n' | gzip | head -c 20 >f; msgexport ingest records f",
            "f: the compressed data is damaged", 3),
    ]

    static let streams = [
        Case("standard input closed", "\(email) - <&-", "standard input: there is nothing to read: it is closed", 3),
        Case("standard output closed", "msgexport status >&-", "cannot write to standard output", 1),
        Case("output to a pipe that nobody reads: the work is done", "msgexport status | true; echo ${PIPESTATUS[0]}", "0", 0),
        Case("output to a full disk", "msgexport status >/dev/full", "cannot write to standard output", 1),
        Case(
            "a terminal of 40 columns: nothing is wider",
            #"msgexport destination create \#(String(repeating: "d", count: 60)) --type local --path . >/dev/null; terminal 40 'msgexport status; msgexport destination list; msgexport configuration list; msgexport dataset show; msgexport run list' | python3 -c 'import sys; wide = [line for line in sys.stdin if len(line) > 41]; print(*wide or ["narrow"]); sys.exit(len(wide))'"#,
            "narrow", 0),
        Case(
            "no terminal: everything is shown whole", "msgexport configuration list | cat",
            "CONFIGURATION  CHANNEL  STATE   VERSION  MESSAGE EXPORT", 0),
    ]

    static let places = [
        Case(
            "a socket path that is too long", "msgexportd --data d --socket /tmp/$(printf '%120s' | tr ' ' x) --master-key k",
            "1 to 107 are possible", 1),
        Case(
            "a client's socket path that is too long", "msgexport status --socket /tmp/$(printf '%120s' | tr ' ' x)",
            "1 to 107 are possible", 3),
        Case(
            "a socket in a folder that is not there", "msgexportd --data d --socket \"$folder/no/such/s\" --master-key k",
            "there is no folder", 1),
        Case("a socket that nobody serves", "msgexport status --socket \"$folder/none\"", "UNAVAILABLE", 9),
        Case(
            "a data folder of somebody else", "mkdir d; touch d/letters; msgexportd --data d --socket t --master-key k",
            "it holds letters and no catalog", 1),
        Case("a data folder that is a file", "touch d; msgexportd --data d --socket t --master-key k", "Not a directory", 1),
        Case(
            "a data folder that may not be read", "mkdir -m 0 d; unprivileged msgexportd --data d --socket t --master-key k",
            "Permission denied", 1),
        Case(
            "a data folder that may not be written",
            "mkdir d; chmod 555 d; unprivileged msgexportd --data d --socket t --master-key k",
            "Permission denied", 1),
        Case(
            "a daemon whose standard streams are closed: no file of it takes their place",
            "'\(Programs.daemon)' --data d --socket t --master-key k <&- >&- 2>&- & until msgexport health --socket t >/dev/null 2>&1; do :; done; readlink /proc/$!/fd/2; kill $!; wait $!",
            "/dev/null", 0),
        Case(
            "a data folder in use", "msgexportd --data \"$folder/data\" --socket t --master-key \"$folder/master.key\"",
            "in use by another daemon", 1),
        Case(
            "a master key that is too short", "made; echo abcd >k; msgexportd --data d --socket t --master-key k",
            "is no master key", 1),
        Case(
            "a master key that all may read", "made; chmod 644 k; msgexportd --data d --socket t --master-key k",
            "others than its owner may use", 1),
        Case(
            "another master key", "made; tr 0-9a-f 1-9a-f0 <k >l; chmod 600 l; msgexportd --data d --socket t --master-key l",
            "is not the master key", 1),
        Case(
            "a master key in the data folder", "msgexportd --data d --socket t --master-key d/k", "is inside the data folder", 2),
        Case(
            "no master key beside data", "made; rm k; msgexportd --data d --socket t --master-key k", "there is no master key", 1),
        Case(
            "a catalog of a newer version",
            #"made; python3 -c 'import sqlite3; c = sqlite3.connect("d/catalog.sqlite"); c.execute("insert into grdb_migrations values (\"99\")"); c.commit()'; msgexportd --data d --socket t --master-key k"#,
            "made by a newer version", 1),
        Case(
            "a catalog that is none",
            "made; head -c 9000 /dev/zero | tr '\\0' U >d/catalog.sqlite; rm -f d/catalog.sqlite-*; msgexportd --data d --socket t --master-key k",
            "not a database", 1),
    ]

    static let commands = [
        Case("a misspelt command", "msgexport configuraton list", "Did you mean 'configuration'?", 2),
        Case("a misspelt subcommand", "msgexport ingest mail x", "Did you mean 'email'?", 2),
        Case("help for a command that does not exist", "msgexport help nope", "has no command 'nope'", 2),
        Case("a misspelt option", "msgexport status --sockte x", "Did you mean '--socket'?", 2),
        Case("a misspelt configuration", "msgexport configuration show mial", "did you mean mail?", 4),
        Case(
            "a message id for several files", "echo x >a; echo x >b; \(email) --message-id m a b",
            "names one message, but there are 2", 2),
        Case("a name that is none", "msgexport configuration create 1st --channel sms", "not a valid name", 3),
        Case("a name that is taken", "msgexport configuration create mail --channel sms", "already", 5),
        Case("a channel that is none", "msgexport configuration create push --channel push", "'push' is invalid", 2),
        Case(
            "a draft sent with",
            "msgexport configuration create d --channel sms >/dev/null; msgexport ingest sms --configuration d --from 1 --to 2 text",
            "is DRAFT, not ACTIVE", 6),
        Case(
            "a deactivated configuration sent with", "msgexport configuration deactivate sms >/dev/null; \(sms) text",
            "activate it first", 6),
        Case(
            "a destination that is not there", "msgexport destination create d --type local --path /no/such/folder",
            "FAILED_PRECONDITION", 6),
        Case("a sandbox that is not there", "msgexport status --sandbox other", "PERMISSION_DENIED", 7),
        Case("a run that is not there", "msgexport run show none", "there is no run none", 4),
        Case("more runs than are answered", "msgexport run list -n 501", "between 1 and 500", 2),
        Case(
            "an SMS asked for as a mail", "\(sms) --message-id s text >/dev/null; msgexport dataset get s --eml",
            "an SMS, not a mail", 6),
    ]

    private static let admin = "msgexport access grant"

    static let governance = [
        Case("WhatsApp as a channel", "msgexport configuration create w --channel whatsapp", "'whatsapp' is invalid", 2),
        Case(
            "a channel of an unknown number, on the wire",
            #"wire 'c.call("messageexport.v1.ConfigurationService", "CreateConfiguration", pack((2, "w"), (3, 3)))'"#,
            "unknown value 3", 3),
        Case("a configuration's name with a space", "msgexport configuration create 'a b' --channel sms", "not a valid name", 3),
        Case(
            "a name of 257 bytes", "msgexport configuration create $(printf '%257s' | tr ' ' a) --channel sms", "at most 256", 3),
        Case("a look-alike of a letter", "msgexport configuration create m\u{0430}il --channel sms", "not a valid name", 3),
        Case("a sandbox's name with a capital", "msgexport sandbox create Staging", "not a valid sandbox name", 3),
        Case("a sandbox's name that is taken", "msgexport sandbox create prod", "ALREADY_EXISTS", 5),
        Case("a time zone that does not exist", "msgexport sandbox create z --time-zone Mars/Olympus", "no such time zone", 3),
        Case("a retention of no day", "msgexport sandbox create z --retention-days 0", "1 to 30 days", 3),
        Case("a retention of 31 days", "msgexport sandbox edit prod --retention-days 31", "1 to 30 days", 3),
        Case("a title of two lines", "msgexport sandbox edit prod --title $'a\\nb'", "a title is one line", 3),
        Case("a reset that is not confirmed", "msgexport sandbox reset prod --confirm prdo", "its name is to be given again", 3),
        Case("a reset without a sandbox", "msgexport sandbox reset --confirm prod", "Missing expected argument '<name>'", 2),
        Case("the default sandbox deleted", "msgexport sandbox delete prod --confirm prod", "can be reset, not deleted", 6),
        Case("a sandbox deleted that is not there", "msgexport sandbox delete s --confirm s", "no such sandbox", 4),
        Case("a role that is none", "\(admin) root --user 0", "'root' is invalid", 2),
        Case("a role for nobody", "\(admin) sender", "give --user or --group", 2),
        Case("a role for a user that is not there", "\(admin) sender --user no-such-user", "there is no user no-such-user", 2),
        Case("a role for the id that stands for anybody", "\(admin) sender --user 65534", "it is given nothing", 3),
        Case("a role in a sandbox that is not there", "\(admin) sender --user 1 --sandbox s", "no such sandbox", 4),
        Case("a role taken away that was not given", "msgexport access revoke viewer --user 1", "is no viewer there", 4),
        Case(
            "the last administrator taken away", "msgexport access revoke administrator --user $(id -u)",
            "it is the last administrator", 6),
        Case(
            "a role that a request names by an unknown number",
            #"wire 'c.call("messageexport.v1.AccessService", "CreateGrant", pack((1, 9), (2, 1)))'"#, "unknown value 9", 3),
        Case("an action that is none", "msgexport audit list --action mail.read", "'mail.read' is invalid", 2),
        Case(
            "an exported chain that is none", "echo '{}' >a; msgexport audit verify a", "line 1 is no event and no head", 11),
        Case(
            "an exported chain with another word",
            "msgexport audit export a; sed -i '1s/\"done\"/\"DONE\"/' a; msgexport audit verify a",
            "line 1 is no event and no head", 11),
        Case(
            "an exported chain with a byte that is no text",
            "msgexport audit export a; printf '\\377' | dd of=a bs=1 seek=20 conv=notrunc 2>/dev/null; msgexport audit verify a",
            "line 1 is no event and no head", 11),
        Case("an exported chain where a folder is not", "msgexport audit export no/a", "No such file or directory", 4),
        Case("an exported chain where a file is", "touch a; msgexport audit export a", "cannot create a: File exists", 5),
        Case(
            "files of no bytes", "msgexport dataflow create f --destination d --format json --file-size 0", "a file of no bytes",
            2),
        Case("a quota that is no size", "msgexport sandbox edit prod --quota-bytes 1X", "'1X' is no size such as", 2),
        Case(
            "a quota over what a number holds", "msgexport sandbox edit prod --quota-bytes 16EiB", "'16EiB' is no size such as", 2
        ),
        Case(
            "an exported chain whose end is cut off",
            "msgexport audit export a; grep -v head a | head -2 >b; tail -1 a >>b; msgexport audit verify b",
            "event 3 is missing", 11),
        Case("a time that is not the clock's", "msgexport time confirm 2020-01-01T00:00:00Z", "is not the time", 6),
        Case("a socket mode that is none", "msgexportd --data d --socket t --master-key k --socket-mode 999", "is no mode", 2),
        Case(
            "a sandbox socket without a sandbox", "msgexportd --data d --socket t --master-key k --sandbox-socket /t",
            "takes NAME=PATH", 2),
        Case(
            "a catalog cut off",
            "made; head -c 5000 d/catalog.sqlite >c; cat c >d/catalog.sqlite; rm -f d/catalog.sqlite-*; msgexportd --data d --socket t --master-key k",
            "the catalog cannot be used", 1),
        Case(
            "a catalog that may only be read",
            "made; chmod 755 d; chmod 444 d/catalog.sqlite k; chown 65533 k d; chmod 400 k; chmod 555 d; unprivileged msgexportd --data d --socket t --master-key k",
            "msgexportd: ", 1),
        Case(
            "a catalog of another organization",
            "made; mkdir o; (cd o && made); cp o/d/catalog.sqlite d/; rm -f d/catalog.sqlite-*; msgexportd --data d --socket t --master-key k",
            "is not the master key", 1),
        Case(
            "a signing key that is missing", "made; rm d/signing.key; msgexportd --data d --socket t --master-key k",
            "signing.key is missing", 1),
        Case(
            "a note of the time that is none", "made; echo soon >d/trusted-time; msgexportd --data d --socket t --master-key k",
            "holds no time", 1),
    ]

    static let all: [(title: String, cases: [Case])] = [
        ("On the wire", wire), ("Messages", messages), ("Standard streams and terminals", streams),
        ("Files and folders of the daemon", places), ("Commands", commands), ("Calls of any method", calls),
        ("Sandboxes, roles, audit and time", governance),
    ]

    /// Runs bash with what the cases use, in a folder of its own.
    private func shell(_ script: String, _ daemon: DaemonFixture.Running, in folder: FilePath) async throws -> Programs.Ended {
        let prelude = """
            folder='\(folder)'; socket='\(daemon.socket)'; export MESSAGE_EXPORT_SOCKET="$socket"
            msgexport() { '\(Programs.client)' "$@"; }
            msgexportd() { timeout 20 '\(Programs.daemon)' "$@"; }
            frame() { python3 '\(Programs.repository.appending("Tests/IntegrationTests/frame.py"))' "$socket" "$@"; }
            wire() { python3 '\(Programs.repository.appending("Tests/IntegrationTests/wire.py"))' "$socket" "$1"; }
            terminal() { PATH='\(Programs.client.removingLastComponent())':$PATH script -qec "stty cols $1; $2" /dev/null | tr -d '\\r'; }
            made() {
                '\(Programs.daemon)' --data d --socket t --master-key k 2>/dev/null &
                until msgexport health --socket t >/dev/null 2>&1; do kill -0 $! || return; sleep 0.05; done
                kill $! && wait $!
            }
            unprivileged() {
                [ "$(id -u)" -ne 0 ] && { "$@"; return; }
                shift; chmod 755 . ..; cp '\(Programs.daemon)' d-program
                timeout 20 setpriv --reuid 65533 --regid 65533 --clear-groups ./d-program "$@"
            }
            mkdir -p '\(folder)/work' && cd '\(folder)/work' || exit 99

            """
        return try await Programs.run("/bin/bash", ["-c", prelude + script])
    }

    @Test(arguments: all.flatMap(\.cases))
    func `bad input has its answer and its exit code, the daemon lives, and nothing stored is lost`(bad: Case) async throws {
        try await withTemporaryFolder { folder in
            _ = try await DaemonFixture(folder).withDaemon { daemon in
                try await createFlow(daemon, to: nil)
                #expect(try await ingestSms(daemon, "precious", id: "precious").code == 0)
                let ended = try await shell(bad.script, daemon, in: folder)
                #expect(ended.code == bad.code, "\(ended.output)\(ended.errors)")
                #expect((ended.output + ended.errors).contains(bad.answer), "\(ended.output)\(ended.errors)")
                let kept = try await daemon.msgexport("dataset", "get", "precious", "-o", "json")
                #expect(kept.code == 0 && kept.output.contains("precious"), "the daemon lives and has what it had")
            }
        }
    }

    @Test func `the table of bad input is what these tests check`() throws {
        var table = """
            # Bad input

            What is answered, and the command's exit code. Made from the cases of `BadInputTests.swift`, each of which is run against a
            daemon that must live on and keep what it had; `UPDATE_TABLE=1 swift test --filter BadInputTests` writes this file anew. On the
            wire, where nobody exits, the code is the one that `msgexport` has for that answer (0: there is no answer).

            """
        for (title, cases) in Self.all {
            table += "\n## \(title)\n\n| input | answer | exit code |\n|---|---|---|\n"
            for bad in cases {
                table += "| \(bad.input) | `\(bad.answer.replacing("|", with: "\\|"))` | \(bad.code) |\n"
            }
        }
        let path = Programs.repository.appending("Tests/IntegrationTests/BadInput.md").string
        if ProcessInfo.processInfo.environment["UPDATE_TABLE"] != nil {
            try table.write(toFile: path, atomically: true, encoding: .utf8)
        }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == table)
    }
}
