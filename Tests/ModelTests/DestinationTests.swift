import Model
import Testing

@Suite struct DestinationTests {
    private func check(_ type: DestinationType, _ values: [String: String], _ secrets: Set<String> = []) throws(Status) {
        try Destination.Settings(type: type, values: values).check(secrets: secrets)
    }

    /// One of each type that is as it should be.
    private static let good: [(DestinationType, [String: String], Set<String>)] = [
        (.local, ["path": "/srv"], []),
        (.s3, ["bucket": "exports", "access_key_id": "AKIA"], ["secret_access_key"]),
        (.s3, ["bucket": "exports", "instance_profile": "on"], []),
        (.s3, ["bucket": "exports", "role_arn": "arn:aws:iam::1:role/r", "web_identity_token_file": "/run/token"], []),
        (.gcs, ["bucket": "exports", "storage_class": "NEARLINE"], ["service_account"]),
        (.gcs, ["bucket": "exports", "access_key_id": "GOOG1"], ["secret_access_key"]),
        (.azureBlob, ["container": "exports"], ["connection_string"]), (.azureBlob, ["container": "exports"], ["sas_url"]),
        (.adlsGen2, ["account": "a1", "container": "exports", "tenant_id": "t", "client_id": "c"], ["client_secret"]),
        (.dataLandingZone, ["account": "a1", "container": "dlz"], ["sas_token"]),
        (.sftp, ["host": "h", "path": "in", "user": "u", "host_key": "ssh-ed25519 AAAAC3"], ["password"]),
        (.sftp, ["host": "[::1]", "port": "2022", "path": "/in", "user": "u", "host_key": "ssh-rsa AAAAB3"], ["private_key"]),
        (.rclone, ["backend": "webdav", "url": "https://dav.example.com/in", "user": "u"], ["pass"]),
        (.rclone, ["backend": "ftp", "host": "h", "user": "u"], ["pass"]),
        (.rclone, ["backend": "b2", "bucket": "exports", "account": "a"], ["key"]),
        (.rclone, ["backend": "swift", "container": "c", "auth": "https://keys.example.com/v3", "user": "u"], ["key"]),
    ]

    @Test func `each type takes what it needs, and no less`() throws {
        #expect(Set(Self.good.map(\.0)) == Set(DestinationType.allCases))
        for (type, values, secrets) in Self.good {
            try check(type, values, secrets)
            for missing in values.keys
            where missing != "storage_class" && missing != "port" && !(type == .rclone && missing == "user") {
                var fewer = values
                fewer[missing] = nil
                #expect(throws: Status.self, "\(type) without \(missing)") { try check(type, fewer, secrets) }
            }
            for missing in secrets where values["backend"] != "webdav" {
                #expect(throws: Status.self, "\(type) without \(missing)") {
                    try check(type, values, secrets.subtracting([missing]))
                }
            }
        }
    }

    @Test func `an option that a type does not have is refused, and those that run commands are nobody's`() {
        let named = ["bearer_token_command", "server_command", "md5sum_command", "key_file", "ssh", "service_account_file"]
        for (type, values, secrets) in Self.good {
            for name in named + ["unheard_of"] {
                let error = #expect(throws: Status.self) { try check(type, values.merging([name: "x"]) { $1 }, secrets) }
                #expect(error?.field == name && error?.reason == .unknown)
            }
        }
        let backend = #expect(throws: Status.self) { try check(.rclone, ["backend": "local"]) }
        #expect(backend?.field == "backend")
    }

    @Test func `a value is of its option's form`() throws {
        let bad: [(DestinationType, [String: String], String)] = [
            (.s3, ["bucket": "Exports"], "bucket"), (.s3, ["bucket": "ab"], "bucket"), (.s3, ["bucket": "127.0.0.1"], "bucket"),
            (.s3, ["bucket": "a..b"], "bucket"), (.s3, ["bucket": "-ab"], "bucket"), (.s3, ["path": "a/../b"], "path"),
            (.s3, ["path": "a//b"], "path"), (.s3, ["path": "a\u{1}"], "path"), (.s3, ["path": ""], "path"),
            (.s3, ["endpoint": "http://store.example.com"], "endpoint"), (.s3, ["endpoint": "https://u@h"], "endpoint"),
            (.s3, ["endpoint": "ftp://h"], "endpoint"), (.s3, ["endpoint": "http://127.0.a.com"], "endpoint"),
            (.s3, ["endpoint": "https://127.0.0.1.evil.example:x"], "endpoint"),
            (.s3, ["storage_class": "FAST"], "storage_class"), (.s3, ["kms_key_id": "k"], "kms_key_id"),
            (.s3, ["instance_profile": "on"], "instance_profile"), (.s3, ["bandwidth_limit": "fast"], "bandwidth_limit"),
            (.s3, ["access_key_id": "A B"], "access_key_id"), (.azureBlob, ["container": "a--b"], "container"),
            (.azureBlob, ["container": "A"], "container"), (.sftp, ["port": "0"], "port"), (.sftp, ["port": "70000"], "port"),
            (.sftp, ["host": "a b"], "host"), (.sftp, ["host": "-oProxyCommand=x"], "host"),
            (.sftp, ["host_key": "x"], "host_key"),
            (.sftp, ["host_key": "ssh-ed25519 ./."], "host_key"), (.sftp, ["user": "a\nb"], "user"),
            (.local, ["path": "srv"], "path"),
        ]
        for (type, change, field) in bad {
            let (_, values, secrets) = try #require(Self.good.first { $0.0 == type })
            let error = #expect(throws: Status.self, "\(change)") { try check(type, values.merging(change) { $1 }, secrets) }
            #expect(error?.field == field, "\(change): \(String(describing: error))")
        }
        for endpoint in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:1", "https://store.example.com:9000/tenant"] {
            try check(.s3, ["bucket": "exports", "access_key_id": "A", "endpoint": endpoint], ["secret_access_key"])
        }
    }

    @Test func `one way to sign in is set, and whole; a secret is given as one`() {
        let bad: [(DestinationType, [String: String], Set<String>)] = [
            (.s3, ["bucket": "exports"], []), (.s3, ["bucket": "exports", "access_key_id": "A"], []),
            (.s3, ["bucket": "exports", "access_key_id": "A", "instance_profile": "on"], ["secret_access_key"]),
            (.sftp, ["host": "h", "path": "p", "user": "u", "host_key": "ssh-rsa AAAAB3"], ["password", "private_key"]),
            (.s3, ["bucket": "exports", "access_key_id": "A", "secret_access_key": "s"], []),
            (.s3, ["bucket": "exports"], ["access_key_id", "secret_access_key"]),
        ]
        for (type, values, secrets) in bad { #expect(throws: Status.self) { try check(type, values, secrets) } }
    }

    @Test func `a change takes away what is emptied, and the way to sign in that it replaces`() {
        let old = Destination.Settings(
            type: .s3, values: ["bucket": "exports", "access_key_id": "A", "storage_class": "GLACIER"])
        let (profile, dropped) = old.changed(["instance_profile": "on", "storage_class": ""], secrets: [:])
        #expect(profile.values == ["bucket": "exports", "instance_profile": "on"])
        #expect(dropped.contains("secret_access_key"))
        let (rotated, kept) = old.changed([:], secrets: ["secret_access_key": Secret("new")])
        #expect(rotated == old && !kept.contains("secret_access_key"))
        #expect(!rotated.isElsewhere(than: old) && !profile.isElsewhere(than: old))
        #expect(old.changed(["bucket": "other-one"], secrets: [:]).settings.isElsewhere(than: old))
    }

    @Test func `only what is approved is delivered to`() throws {
        func isApproved(
            _ approvals: [(Approval.Kind, String)], _ settings: Destination.Settings, _ secrets: [String: Secret] = [:]
        ) throws
            -> Bool
        {
            let list = try approvals.map { kind, value in
                Approval(kind: kind, value: try Approval.canonical(kind, value), createdAt: Instant(milliseconds: 0))
            }
            do throws(Status) { try list.require(settings, secrets) } catch { return false }
            return true
        }
        let folder = Destination.Settings.local(path: "/srv/archive/a")
        #expect(try !isApproved([], folder) && !isApproved([(.localRoot, "/srv/arch")], folder))
        #expect(try !isApproved([(.localRoot, "/srv/archive/a/b")], folder))
        for root in ["/srv/archive/a", "/srv/archive/", "/srv", "/"] { #expect(try isApproved([(.localRoot, root)], folder)) }
        let sftp = Destination.Settings(type: .sftp, values: ["host": "SFTP.example.com", "port": "2022"])
        for host in ["sftp.example.com", "sftp.example.com:2022", "*.example.com", "*.Example.com:2022"] {
            #expect(try isApproved([(.host, host)], sftp), "\(host)")
        }
        for host in ["sftp.example.com:22", "example.com", "*.sftp.example.com", "evilsftp.example.com", "*.ample.com"] {
            #expect(try !isApproved([(.host, host)], sftp), "\(host)")
        }
        let role = Destination.Settings(type: .s3, values: ["region": "eu-west-1", "role_arn": "r"])
        #expect(try !isApproved([(.host, "s3.eu-west-1.amazonaws.com")], role), "the role is asked for elsewhere")
        #expect(try isApproved([(.host, "*.amazonaws.com")], role))
        let azure = Destination.Settings(type: .azureBlob, values: ["container": "c"])
        let string = ["connection_string": Secret("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=a2V5")]
        #expect(try isApproved([(.host, "acme.blob.core.windows.net")], azure, string))
        #expect(try !isApproved([(.host, "other.blob.core.windows.net")], azure, string))
        // An address is what is spoken to, whatever else is said.
        let signed = Destination.Settings(type: .azureBlob, values: ["container": "c", "endpoint": "https://good.example"])
        #expect(throws: Status.self) { try signed.check(secrets: ["sas_url"]) }
        let account = #"{"type":"service_account","client_email":"a@b.example","private_key":"-----BEGIN PRIVATE KEY-----""#
        let gcs = Destination.Settings(type: .gcs, values: ["bucket": "exports"])
        let hosts: [(Approval.Kind, String)] = [(.host, "storage.googleapis.com"), (.host, "oauth2.googleapis.com")]
        #expect(try isApproved(hosts, gcs, ["service_account": Secret("\(account)}")]))
        #expect(try !isApproved([hosts[0]], gcs, ["service_account": Secret("\(account)}")]))
        for token in ["https://evil.example/token", "http://oauth2.googleapis.com/token", "x"] {
            let key = "\(account),\"token_uri\":\"\(token)\"}"
            #expect(try !isApproved(hosts, gcs, ["service_account": Secret(key)]), "\(token)")
        }
        for key in ["", "{}", #"{"type":"external_account"}"#] {
            #expect(throws: Status.self) { try ServiceAccountKey(key) }
        }
        let elsewhere = ["connection_string": Secret("AccountName=acme;AccountKey=a2V5;BlobEndpoint=https://evil.example")]
        #expect(try !isApproved([(.host, "acme.blob.core.windows.net")], azure, elsewhere))
        for bad in ["", "a b", "*.com", "*", "h:0", "https://h", "-x"] {
            #expect(throws: Status.self, "\(bad)") { try Approval.canonical(.host, bad) }
        }
        for bad in ["srv", "/a/../b", "/a\u{1}"] { #expect(throws: Status.self) { try Approval.canonical(.localRoot, bad) } }
    }

    @Test func `a secret prints as nothing`() {
        let secrets = ["password": Secret("hunter2")]
        #expect(!"\(secrets) \(String(describing: secrets)) \(String(reflecting: secrets))".contains("hunter2"))
        var dumped = ""
        dump(secrets, to: &dumped)
        #expect(!dumped.contains("hunter2"))
        let error = #expect(throws: Status.self) { try ConnectionString("AccountName=a;AccountKe=hunter2") }
        #expect(!"\(String(describing: error))".contains("hunter2"))
    }
}
