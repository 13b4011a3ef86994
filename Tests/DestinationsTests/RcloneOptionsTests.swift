import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Destinations

/// What rclone is told, against what it says itself that it can be told.
@Suite struct RcloneOptionsTests {
    private struct Backend: Decodable {
        let name: String
        let options: [Option]

        private enum CodingKeys: String, CodingKey {
            case name = "Name"
            case options = "Options"
        }

        struct Option: Decodable {
            let name: String
            let isPassword: Bool
            let examples: [Example]?

            private enum CodingKeys: String, CodingKey {
                case name = "Name"
                case isPassword = "IsPassword"
                case examples = "Examples"
            }
        }

        struct Example: Decodable {
            let value: String

            private enum CodingKeys: String, CodingKey {
                case value = "Value"
            }
        }
    }

    private static let hostKeys = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"
    /// Not among its examples, and handed on as they are: Google's own page of storage classes.
    private static let newer = ["STANDARD"]
    private static let connection = "DefaultEndpointsProtocol=https;AccountName=exports;AccountKey=a2V5"

    /// A value of its form; of a choice all that there are.
    private func samples(_ option: DestinationOption) -> [String] {
        switch option.form {
        case .folder: ["/srv/x"]
        case .path: ["in"]
        case .host: ["host.example.com"]
        case .port: ["2022"]
        case .url: ["https://exports.host.example.com"]
        case .bucket, .container, .word: ["exports"]
        case .rate: ["10M"]
        case .choice(let choices): choices
        case .flag: ["on", "off"]
        case .hostKeys: [Self.hostKeys]
        case .text: [option.name == "connection_string" ? Self.connection : "s3cret"]
        }
    }

    /// Each type with each way to sign in, and every option that goes with it set; once for each choice there is.
    private func all() -> [(settings: Destination.Settings, secrets: [String: Secret])] {
        let backends: [String?] = ["webdav", "ftp", "b2", "swift"]
        return DestinationType.allCases.filter { $0 != .local }.flatMap { type in
            (type == .rclone ? backends : [nil]).flatMap { backend in
                let ways = type.waysToSignIn(backend: backend)
                return (ways.isEmpty ? [[]] : ways).flatMap { way -> [(Destination.Settings, [String: Secret])] in
                    let others = ways.flatMap(\.self).filter { !way.contains($0) }
                    let options = type.options(backend: backend).filter { !others.contains($0.name) }
                    return (0..<(options.map { samples($0).count }.max() ?? 1)).map { number in
                        var (values, secrets): ([String: String], [String: Secret]) = ([:], [:])
                        for option in options {
                            let value = samples(option)[min(number, samples(option).count - 1)]
                            if option.isSecret { secrets[option.name] = Secret(value) } else { values[option.name] = value }
                        }
                        if let backend { values["backend"] = backend }
                        return (Destination.Settings(type: type, values: values), secrets)
                    }
                }
            }
        }
    }

    @Test func `every option that rclone is given is one that it has, and of the values that it knows`() async throws {
        let listed = try await Programs.run("/usr/bin/rclone", ["config", "providers", "--config", ""])
        let backends = try JSONDecoder().decode([Backend].self, from: Data(listed.output.utf8))
        let prefix = "RCLONE_CONFIG_D_"
        var used: Set<String> = []
        for (destination, secrets) in all() {
            let settings = try RcloneSettings(destination, secrets, .oldest)
            let type = try #require(settings.environment["\(prefix)TYPE"])
            let backend = try #require(backends.first { $0.name == type }, "rclone has no backend \(type)")
            used.insert("\(destination.type.rawValue) \(type)")
            let variables =
                Array(settings.environment.keys) + Array(settings.files.keys) + (settings.obscured.map { [$0.variable] } ?? [])
            // What has another name is for the vendor's own library.
            for variable in variables where variable.hasPrefix(prefix) && variable != "\(prefix)TYPE" {
                let name = variable.dropFirst(prefix.count).lowercased()
                // One for each provider, where what may be said hangs on that.
                let options = backend.options.filter { $0.name == name }
                let option = try #require(options.first, "\(type) has no option \(name)")
                #expect(option.isPassword == (settings.obscured?.variable == variable), "\(type) \(name) is obscured or not")
                guard ["storage_class", "server_side_encryption", "vendor", "provider"].contains(name) else { continue }
                let value = settings.environment[variable] ?? ""
                #expect(
                    options.contains { ($0.examples ?? []).contains { $0.value == value } } || Self.newer.contains(value),
                    "\(type) knows no \(name) \(value)")
            }
            // Nothing secret is where the list of processes shows it.
            #expect(settings.options.allSatisfy { argument in !secrets.values.contains { argument.contains($0.text) } })
        }
        #expect(used.count == 11, "\(used.sorted())")
    }

    @Test func `an account of Azure's is where its connection string says, in the words of each rclone`() throws {
        func endpoint(_ string: String, _ minor: Int, _ values: [String: String] = [:]) throws(Status) -> String? {
            try RcloneSettings(
                .init(type: .azureBlob, values: ["container": "exports"].merging(values) { $1 }),
                ["connection_string": Secret("AccountName=acme;AccountKey=a2V5;\(string)")], .init(major: 1, minor: minor)
            ).environment["RCLONE_CONFIG_D_ENDPOINT"]
        }
        let china = "EndpointSuffix=core.chinacloudapi.cn"
        #expect(try endpoint("DefaultEndpointsProtocol=https", 60) == nil && endpoint("", 68) == nil)
        #expect(try endpoint(china, 60) == "blob.core.chinacloudapi.cn")
        #expect(try endpoint(china, 61) == "https://acme.blob.core.chinacloudapi.cn")
        #expect(try endpoint("BlobEndpoint=https://store.example.com/acme", 61) == "https://store.example.com/acme")
        let refused = #expect(throws: Status.self) { try endpoint("BlobEndpoint=https://store.example.com/acme", 60) }
        #expect(refused?.field == "endpoint")
        #expect(try endpoint(china, 60, ["endpoint": "https://acme.example.com/"]) == "example.com")
    }

    @Test func `every secret is hidden, and so is what is taken out of one`() throws {
        for (destination, secrets) in all() {
            let hidden = try RcloneSettings(destination, secrets, .oldest).hidden
            for secret in secrets.values { #expect(hidden.contains(secret.text)) }
            if secrets["connection_string"] != nil { #expect(hidden.contains("a2V5")) }
        }
    }
}
