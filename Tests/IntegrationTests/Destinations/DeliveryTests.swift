import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

extension StorageServerTests {
    @Suite struct DeliveryTests {
        /// A kind of destination, how it is made, and how a customer fetches what was delivered.
        private struct Kind: Sendable {
            let name: String
            let options: @Sendable (StorageServers) async throws -> [String]
            var secrets: [String: String] = [:]
            let fetch: @Sendable (StorageServers, FilePath) async throws -> Void
        }

        private static let kinds = [
            Kind(name: "s3") { (servers) async throws in
                #expect(try await servers.rclone("mkdir", "D:whole-path").code == 0)
                return servers.s3Options("whole-path") + ["--path", "from/us"]
            } fetch: { (servers, folder) async throws in
                #expect(try await servers.rclone("copy", "D:whole-path/from/us", folder.string).code == 0)
            },
            Kind(name: "openstack-swift") { (servers) async throws in
                #expect(try await servers.rclone("mkdir", "D:own-protocol").code == 0)
                return servers.swiftOptions("own-protocol")
            } fetch: { (servers, folder) async throws in
                #expect(try await servers.rclone("copy", "D:own-protocol", folder.string).code == 0)
            },
            Kind(name: "sftp-password") { servers in
                try servers.makeFolder("by-password")
                return try servers.sftpOptions("by-password")
            } fetch: { (servers, folder) async throws in
                try FileManager.default.copyItem(atPath: servers.home.appending("by-password").string, toPath: folder.string)
            },
            Kind(name: "sftp-key") { servers in
                try servers.makeFolder("by-key")
                let key = servers.folder.appending("sftp/user_key").string
                // From the root, as the server's administrator would write it.
                return try servers.sftpOptions(servers.home.appending("by-key").string, secret: "private_key=\(key)")
            } fetch: { (servers, folder) async throws in
                try FileManager.default.copyItem(atPath: servers.home.appending("by-key").string, toPath: folder.string)
            },
        ]

        @Test(arguments: kinds.map(\.name))
        func `mails are ingested, a scheduled run delivers them, and what is fetched back verifies`(_ name: String) async throws {
            let servers = try StorageServers.shared()
            let kind = try #require(Self.kinds.first { $0.name == name })
            try await withTemporaryFolder { folder in
                let options = try await kind.options(servers)
                _ = try await DaemonFixture(folder).withDaemon { daemon in
                    try await daemon.done("organization", "approve", "host", "127.0.0.1")
                    try await deliverWholePath(daemon, options, folder) { try await kind.fetch(servers, $0) }
                }
            }
        }

        @Test func `the generic type delivers to a WebDAV server of rclone's`() async throws {
            try await withTemporaryFolder { folder in
                let served = folder.appending("served").string
                try FileManager.default.createDirectory(atPath: served + "/in", withIntermediateDirectories: true)
                try await TestServer.withScript("rclone.py", ["webdav", served], environment: ["RCLONE_PASSWORD": "d4v-pass"]) {
                    server in
                    _ = try await DaemonFixture(folder).withDaemon { daemon in
                        try await daemon.done("organization", "approve", "host", "127.0.0.1:\(server.port)")
                        let options = [
                            "--type", "rclone", "--backend", "webdav", "--option", "url=http://127.0.0.1:\(server.port)",
                            "--path", "in",
                            "--user", "exporter", "--secret", "pass=env:SECRET",
                        ]
                        try await deliverWholePath(daemon, options, folder, secrets: ["SECRET": "d4v-pass"]) { target in
                            try FileManager.default.copyItem(atPath: served + "/in", toPath: target.string)
                        }
                    }
                }
            }
        }
    }
}
