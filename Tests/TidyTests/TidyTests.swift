import Foundation
import SystemPackage
import TestSupport
import Testing

/// The house rules that a program can check. Each check is shown to find what it is for, on a sample that breaks it.
@Suite struct TidyTests {
    private static let longestFile = 500
    private static let longestFunction = 70

    /// What each module may import, as ARCHITECTURE.md draws it: ours, then others'. Foundation, Glibc, Synchronization and the like are
    /// the platform.
    private static let allowed: [String: Set<String>] = [
        "Model": [], "Settings": ["Model", "Yams"], "Disk": ["SystemPackage"], "Messages": ["Model", "CMessages", "CProtobufC"],
        "RPC": ["Model", "Messages", "NIOCore", "NIOPosix"], "Dataset": ["Model", "Disk", "CZstd", "Crypto", "SystemPackage"],
        "Metrics": ["Model", "RPC", "NIOCore", "NIOHTTP1", "NIOPosix"],
        "SealedBox": ["CSodium"], "Audit": ["Model", "Crypto"], "Catalog": ["Model", "Audit", "GRDB", "SystemPackage"],
        "Formats": ["Model", "CDeflate", "CSnappy", "CZlib", "CZstd", "Crypto"],
        "Destinations": ["Model", "Disk", "CProcess", "Crypto", "Subprocess", "SystemPackage"],
        "Exporter": ["Model", "Disk", "Formats", "Destinations", "Crypto", "SystemPackage"],
        "Daemon": [
            "CMalloc", "Metrics", "Model", "Messages", "RPC", "Disk", "Dataset", "Audit", "Catalog", "Formats", "Destinations",
            "Exporter",
            "SealedBox", "Crypto",
            "Logging",
            "ServiceLifecycle", "UnixSignals", "SystemPackage",
            "Subprocess",
        ],
        "msgexportd": [
            "CProcess", "Daemon", "Destinations", "Disk", "Metrics", "Model", "RPC", "Settings", "ArgumentParser", "Logging",
            "SystemPackage",
        ],
        "Clients/Swift": ["Model", "Messages", "RPC", "Disk", "SealedBox", "Logging", "SystemPackage"],
        "Clients/Mail": ["Model", "CGMime"],
        "Clients/CLI": [
            "MessageExportClient", "Mail", "CGMime", "Disk", "Formats", "Audit", "Messages", "Model", "ArgumentParser", "Crypto",
            "SystemPackage",
        ],
    ]
    private static let platform: Set<String> = ["Foundation", "FoundationEssentials", "Glibc", "Synchronization", "Dispatch"]

    private func sources(below folders: String...) throws -> [SwiftSource] {
        try folders.flatMap { folder in
            try FileManager.default.subpathsOfDirectory(atPath: Programs.repository.appending(folder).string)
                .filter { $0.hasSuffix(".swift") }.sorted().map { path in
                    let whole = Programs.repository.appending(folder).appending(path).string
                    return SwiftSource("\(folder)/\(path)", try String(contentsOfFile: whole, encoding: .utf8))
                }
        }
    }

    @Test func `sources are formatted`() async throws {
        let folder = Programs.repository.string
        let command =
            "cd '\(folder)' && swift format lint --strict --configuration .swift-format --recursive Package.swift Sources Clients Tests"
        let ended = try await Programs.run("/bin/bash", ["-c", command])
        #expect(ended.code == 0, "run `make format`: \(ended.errors)")
        let untidy = try await Programs.run(
            "/bin/bash",
            ["-c", "cd '\(folder)' && printf 'let a=1\\n' | swift format lint --strict --configuration .swift-format"])
        #expect(untidy.code != 0)
    }

    @Test func `no file and no function is too long`() throws {
        let all = try sources(below: "Sources", "Clients", "Tests")
        #expect(all.count > 100)
        #expect(all.filter { $0.lines.count > Self.longestFile }.map(\.name) == [])
        #expect(all.flatMap { $0.functions(over: Self.longestFunction) } == [])
        let long = (["func f() {"] + Array(repeating: "    x()", count: 69) + ["}"]).joined(separator: "\n")
        #expect(SwiftSource("s", long).functions(over: Self.longestFunction) == ["s:1 f (71 lines)"])
        #expect(SwiftSource("s", long).functions(over: 71) == [])
    }

    @Test func `every package and public declaration says what it promises`() throws {
        let all = try sources(below: "Sources", "Clients", "Tests/TestSupport")
        let requirements = all.reduce(into: Set(["description", "next", "<", "=="])) { $0.formUnion($1.requirements) }
        #expect(all.flatMap { $0.undocumented(requirements: requirements) } == [])
        let sample = SwiftSource("s", "/// Fine.\npackage struct A {\n    package let b: Int\n    public func c() {\n    }\n}\n")
        #expect(sample.undocumented(requirements: []) == ["s:3 package let b: Int", "s:4 public func c() {"])
        #expect(sample.undocumented(requirements: ["c"]) == ["s:3 package let b: Int"])
    }

    /// Imports of a module's sources that the drawing does not have.
    private func strays(_ module: String, _ sources: [SwiftSource]) -> [String] {
        let allowed = (Self.allowed[module] ?? []).union(Self.platform)
        return sources.flatMap { source in
            source.imports.filter { !allowed.contains($0) }.map { "\(source.name) imports \($0)" }
        }
    }

    @Test func `modules import what the drawing says, and nothing else`() throws {
        for module in Self.allowed.keys.sorted() {
            let folder = module.hasPrefix("Clients/") ? module : "Sources/\(module)"
            let found = try sources(below: folder)
            #expect(!found.isEmpty, "\(module) has no sources")
            #expect(strays(module, found) == [])
        }
        let modules = try FileManager.default.contentsOfDirectory(atPath: Programs.repository.appending("Sources").string)
            .filter { $0 != ".DS_Store" && !$0.hasPrefix("C") || $0 == "Catalog" }
        #expect(Set(modules).isSubset(of: Self.allowed.keys), "each module has its line in the drawing")
        let against = SwiftSource("s", "public import Model\n@testable import Catalog\nimport struct RPC.Frame\n")
        #expect(strays("Dataset", [against]) == ["s imports Catalog", "s imports RPC"])
    }

    @Test func `no task is left to itself, and no name says nothing`() throws {
        let all = try sources(below: "Sources", "Clients")
        let tasks = all.flatMap { source in
            source.lines.filter { $0.contains(/\bTask(?:\.detached)? ?\{/) }.map { "\(source.name): \($0)" }
        }
        #expect(tasks == [])
        let empty = all.flatMap { source in
            source.lines.filter { $0.contains(/(?:struct|class|enum|actor) \w*(?:Utils?|Manager|Helpers?|Impl)\b/) }
        }
        #expect(empty == [])
    }

    @Test func `the generated C is what protoc-c makes of the protos`() async throws {
        try await withTemporaryFolder { folder in
            let script = """
                cd '\(Programs.repository)' && mkdir -p '\(folder)/include' && make --no-print-directory protos C_PROTOS='\(folder)/build' C_OUT='\(folder)' PYTHON_OUT='\(folder)' >/dev/null &&
                cmp '\(folder)/descriptors.bin' Clients/Python/src/msgexport/descriptors.bin &&
                for part in generated include; do diff -r -x CMessages.h -x arena.h -x descriptors.h -x module.modulemap Sources/CMessages/$part '\(folder)'/$part; done
                """
            let ended = try await Programs.run("/bin/bash", ["-c", script])
            #expect(ended.code == 0 && ended.output.isEmpty, "run `make protos`: \(ended.output)\(ended.errors)")
            #expect(FileManager.default.fileExists(atPath: folder.appending("generated/messageexport/v1/message.pb-c.c").string))
        }
    }

    /// Links of a document that lead nowhere.
    private func brokenLinks(in text: String, at folder: FilePath) -> [String] {
        text.matches(of: /\]\(([^)#]+)(?:#[^)]*)?\)/).map { String($0.1) }.filter { link in
            !link.contains("://") && !FileManager.default.fileExists(atPath: folder.appending(link).string)
        }
    }

    @Test func `links in the documents lead somewhere`() async throws {
        let root = Programs.repository
        let listed = try await Programs.run("/usr/bin/git", ["-C", root.string, "ls-files", "*.md"])
        let documents = listed.output.split(separator: "\n").map(String.init)
        #expect(documents.contains("README.md") && documents.count > 5)
        for document in documents {
            let path = root.appending(document)
            let text = try String(contentsOfFile: path.string, encoding: .utf8)
            #expect(brokenLinks(in: text, at: path.removingLastComponent()) == [], "\(document)")
        }
        #expect(brokenLinks(in: "[a](README.md) [b](no/such.md)", at: root) == ["no/such.md"])
    }
}
