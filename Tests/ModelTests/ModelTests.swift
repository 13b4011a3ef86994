import Foundation
import Model
import TestSupport
import Testing

@Suite struct ModelTests {
    @Test func `instants and days are written as Foundation writes them`() {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
        // From 1590 on: for days before October 1582 Foundation writes dates of the Julian calendar.
        var instants: [Int64] = [0, 999, 951_782_400_000, 4_107_542_399_999, -1]
        instants += (0..<2000).map { _ in Int64.random(in: -12_000_000_000_000...250_000_000_000_000, using: &generator) }
        for milliseconds in instants {
            let instant = Instant(milliseconds: milliseconds)
            // Foundation cuts a Double of seconds: half a millisecond more names the millisecond that is meant.
            let date = Date(timeIntervalSince1970: (Double(milliseconds) + 0.5) / 1000)
            #expect(instant.description == style.format(date), "\(milliseconds), SEED=\(seed)")
            #expect("\(Day(containing: instant))" == String(style.format(date).prefix(10)), "\(milliseconds), SEED=\(seed)")
        }
    }

    @Test func `a record is kept through the whole of the third day after its own`() {
        let day = Day(containing: Instant(milliseconds: 1_795_435_200_000))
        #expect(Retention(days: 3).expiry(of: day, in: .utc) == Day(number: day.number + 4).start)
        for retention in 1...30 {
            let end = Day(number: day.number + 1).start.milliseconds
            #expect(Retention(days: retention).expiry(of: day, in: .utc).milliseconds - end >= Int64(retention) * 24 * 3_600_000)
        }
    }

    @Test(arguments: ["a", "Z9", "news_letter.v-2", String(repeating: "a", count: 256)])
    func `a good name is taken`(name: String) throws {
        #expect(try ResourceName(name).value == name)
    }

    @Test(arguments: ["", "1a", "_a", "a b", "ä", "a/b", "a\u{0}", String(repeating: "a", count: 257)])
    func `a bad name is refused, naming the field`(name: String) {
        let error = #expect(throws: Status.self) { try ResourceName(name) }
        #expect(error?.code == .invalidArgument)
        #expect(error?.field == "name")
    }

    @Test func `a message id has 1 to 256 bytes`() throws {
        #expect(try MessageID(String(repeating: "é", count: 128)).value.utf8.count == 256)
        #expect(throws: Status.self) { try MessageID("") }
        #expect(throws: Status.self) { try MessageID(String(repeating: "é", count: 128) + "a") }
    }

    @Test func `root has the system's places, everybody else their own`() {
        let system = DefaultPaths(environment: ["HOME": "/root"], uid: 0)
        #expect(system.socket == "/run/message-export/msgexportd.sock")
        let own = DefaultPaths(environment: ["HOME": "/home/ada", "XDG_RUNTIME_DIR": "/run/user/1"], uid: 1)
        #expect(own.data == "/home/ada/.local/state/message-export")
        #expect(own.socket == "/run/user/1/message-export/msgexportd.sock")
        let bare = DefaultPaths(environment: ["HOME": "/home/ada", "XDG_STATE_HOME": "relative"], uid: 1)
        #expect(bare.socket == "/home/ada/.local/state/message-export/msgexportd.sock")
        for paths in [system, own, bare] { #expect(!paths.masterKey.hasPrefix(paths.data + "/")) }
    }

    @Test func `a status names its place from the outside in`() {
        let status = Status(.invalidArgument, "bad", field: "email.html").within("messages[3]")
        #expect(status.field == "messages[3].email.html")
        #expect(Status(.notFound, "gone").within("a").field == "a")
    }

    @Test func `message ids are told apart by their bytes`() throws {
        let (composed, decomposed) = (try MessageID("caf\u{E9}"), try MessageID("cafe\u{301}"))
        #expect(composed.value == decomposed.value, "Swift takes them for one text")
        #expect(composed != decomposed)
        #expect(Set([composed, decomposed, try MessageID("caf\u{E9}")]).count == 2)
    }
}
