import Model
import Testing

/// What can come into force.
@Suite struct ConfigurationSettingsTests {
    private func failures(_ channel: Channel = .email, _ set: (inout ConfigurationSettings) -> Void) -> [String] {
        var settings = ConfigurationSettings()
        set(&settings)
        return settings.failures(for: channel)
    }

    @Test func `what is not set does not fail, and good settings come into force`() {
        #expect(failures { _ in } == [])
        #expect(failures(.sms) { $0.senderNumbers = ["+12025550123", "+4930123456"] } == [])
        let good = failures {
            ($0.subdomain, $0.fromAddress, $0.fromName) = ("Mail.example.com", "a.b+c@mail.EXAMPLE.com", "Grüße")
            ($0.replyToAddress, $0.errorAddress, $0.bccAddress) = ("r@example.com", "e@x.example.com", "b@example.org")
            ($0.purpose, $0.tags, $0.description) = (.marketing, ["a", "b"], "what it is for\nin lines")
        }
        #expect(good == [])
    }

    @Test(arguments: [
        "a", "@b.com", "a@", "a@b", "a@b.c@d.com", "a b@c.com", ".a@b.com", "a..b@c.com", "a@-b.com", "a@b..com", "ä@b.com",
        "a@\u{0430}.com", "a@b.com\n", "<a@b.com>",
    ])
    func `what is no email address fails`(address: String) {
        #expect(failures { $0.fromAddress = address } == ["from_address is no email address"])
        #expect(failures { $0.errorAddress = address } == ["error_address is no email address"])
    }

    @Test(arguments: ["12025550123", "+0123", "+", "+1", "+1234567890123456", "+1 202", "+1202x", "24365", "\u{0661}"])
    func `what is no number in E_164 fails`(number: String) {
        #expect(failures(.sms) { $0.senderNumbers = [number] }.count == 1)
    }

    @Test func `the sender is of the subdomain, settings are of the channel, and all reasons come at once`() {
        #expect(
            failures { ($0.subdomain, $0.fromAddress) = ("mail.example.com", "a@notmail.example.com") }
                == ["from_address is not of the subdomain"])
        #expect(failures { $0.senderNumbers = ["+12025550123"] } == ["sender_numbers are for SMS"])
        #expect(failures(.sms) { $0.fromName = "x" } == ["from_name is for email"])
        let all = failures {
            ($0.fromName, $0.subdomain, $0.description) = ("a\nb", "x", String(repeating: "x", count: 1025))
            $0.tags = ["", "a", "a", String(repeating: "x", count: 65)] + (0..<13).map { "\($0)" }
        }
        #expect(all.count == 7, "\(all)")
    }

    @Test func `a change changes what it names, and nothing else`() {
        var settings = ConfigurationSettings(messageExport: true)
        (settings.fromName, settings.tags) = ("A", ["x"])
        #expect(ConfigurationChange().applied(to: settings) == settings)
        var change = ConfigurationChange(messageExport: false)
        change.tags = []
        let changed = change.applied(to: settings)
        #expect((changed.messageExport, changed.fromName, changed.tags) == (false, "A", []))
        #expect(ConfigurationChange(settings).applied(to: ConfigurationSettings()) == settings)
        #expect(ConfigurationChange().isEmpty && !change.isEmpty)
    }
}
