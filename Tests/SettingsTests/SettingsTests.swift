import Model
@testable import Settings
import Testing

@Suite struct SettingsTests {
    private func settings(
        _ text: String = "", _ environment: [String: String] = [:], _ options: [Setting: String] = [:]
    ) throws(SettingsError) -> Settings {
        try Settings(file: SettingsFile(path: "/c", text: text), environment: environment, options: options)
    }

    private func problems(
        _ text: String = "", _ environment: [String: String] = [:], _ options: [Setting: String] = [:]
    ) -> [String] {
        do throws(SettingsError) { _ = try settings(text, environment, options) } catch { return error.problems }
        return []
    }

    @Test func `an option goes before the environment, that before the file, and that before what holds otherwise`() throws {
        let file = "log:\n  level: error\n"
        let environment = ["MSGEXPORTD_LOG_LEVEL": "warning"]
        #expect(try settings()[.logLevel] == "info")
        #expect(try settings(file)[.logLevel] == "error")
        #expect(try settings(file, environment)[.logLevel] == "warning")
        let all = try settings(file, environment, [.logLevel: "debug"])
        #expect(all[.logLevel] == "debug" && all.entry(.logLevel)?.origin == .option("--log-level"))
        #expect(try settings(file, ["MSGEXPORTD_LOG_LEVEL": ""])[.logLevel] == "error", "an empty variable says nothing")
    }

    @Test func `everything that is wrong is told at once, with its place and what it should be`() {
        let file = """
            dat: /x
            timeout: 3
            master-key: relative
            nonsense: 1
            socket:
              mode: 0066
            delivery:
              timeout: 0
              rclone: [3]
            metrics:
              listen: 0.0.0.0:9464
              sandboxes: "yes"
            metric: {x: 1}
            log: loud
            sandbox-sockets: {Bad: /s}
            """
        let found = problems(file, ["MSGEXPORTD_LOG_LEVEL": "loud"], [.data: ""])
        for expected in [
            "/c, line 1: dat is unknown: did you mean data?", "/c, line 2: timeout is unknown: did you mean delivery.timeout?",
            "/c, line 4: nonsense is unknown: 'msgexportd config example' shows what there is", "/c, line 13: metric is unknown",
            "/c: master-key must be a path from the root", "/c: socket.mode is no mode",
            "/c: delivery.timeout must be 1 to 3600 seconds",
            "/c, line 9: delivery.rclone must be one value", "/c: metrics.listen must be an address of this machine alone",
            "/c: metrics.sandboxes must be true or false", "MSGEXPORTD_LOG_LEVEL must be one of debug",
            "/c, line 14: log must be settings",
            "--data is empty", "/c: sandbox-sockets takes NAME=PATH",
        ] {
            #expect(found.contains { $0.hasPrefix(expected) }, "\(expected) in \(found)")
        }
        #expect(found.count == 14, "\(found)")
    }

    @Test func `a value is what is written, whatever else YAML takes it for`() throws {
        let told = try settings("socket: {mode: 0600, group: 33}\nmetrics:\n  socket: off\n  sandboxes: true\n")
        #expect(told.mode(.socketMode) == 0o600 && told[.socketGroup] == "33")
        #expect(told[.metricsSocket] == "off" && told.flag(.metricsSandboxes))
        #expect(try settings("# nothing\nsocket:\ndata:\n").changes(to: settings()).isEmpty)
    }

    @Test func `what is no YAML is told with its line`() {
        #expect(problems("data: /x\n\nsocket: : 3\n").first?.contains("3:") == true)
        #expect(!problems("data: /x\ndata: /y\n").isEmpty, "one of them would be forgotten")
        #expect(problems("- data\n") == ["/c, line 1: it must be settings with their values, as name: value"])
    }

    @Test func `garbage for a file is refused, whatever it is`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let bytes = (0..<Int.random(in: 1...200, using: &random)).map { _ in UInt8.random(in: 1...255, using: &random) }
            _ = problems(String(decoding: bytes, as: UTF8.self))
        }
        #expect(!problems("\u{1}").isEmpty)
    }

    @Test func `the example changes nothing and, with its comments taken away, sets everything to what holds`() throws {
        let plain = try settings()
        #expect(try settings(ExampleFile.text).changes(to: plain).isEmpty)
        let assigned = ExampleFile.text.replacing(#/(?m)^( *)# ( *[a-z-]+:( |$))/#) { $0.1 + $0.2 }
        let set = try settings(assigned)
        for setting in Setting.all {
            #expect(set.entry(setting)?.origin == .file("/c"), "\(setting.key)")
            if let standard = setting.standard { #expect(set[setting] == standard) }
            #expect(ExampleFile.text.contains(setting.variable) || setting == .sandboxSockets)
        }
        #expect(set.sandboxSockets.map(\.sandbox) == ["staging"])
    }

    @Test(arguments: [
        ("127.0.0.1:9464", "127.0.0.1"), ("localhost:1", "127.0.0.1"), ("[::1]:9464", "::1"), ("10.0.0.1:1", nil), (":1", nil),
        ("127.0.0.1:70000", nil), ("127.0.0.1", nil), ("::1:3", nil), ("127.0.0.1.example.com:1", nil),
    ])
    func `metrics are served on this machine alone`(_ text: String, _ host: String?) {
        #expect(Loopback(text)?.host == host)
    }
}
