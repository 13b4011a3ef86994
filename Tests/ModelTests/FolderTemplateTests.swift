import Model
import TestSupport
import Testing

/// Where files go.
@Suite struct FolderTemplateTests {
    private let values = FolderTemplate.Values(
        dataset: "message-export-prod", destinationType: "local", destinationName: "archive", destinationID: "d-1",
        sandbox: "prod", organization: "Acme", time: Instant(milliseconds: 1_795_435_202_345))

    @Test func `macros stand for what they are named after`() throws {
        let cases = [
            ("%DATASET_ID%/%EXPORT_TIME%", "message-export-prod/exportTime=202611231200"), ("%DATETIME%", "20261123_120002"),
            ("%DESTINATION%_%DESTINATION_INSTANCE_NAME%/%DESTINATION_INSTANCE_ID%", "local_archive/d-1"),
            ("%SANDBOX_NAME%%ORGANIZATION_NAME%", "prodAcme"), ("plain/name", "plain/name"), ("/", ""), ("a b/ü", "a b/ü"),
        ]
        for (template, folder) in cases { #expect(try FolderTemplate(template).folder(values) == folder) }
        #expect(FolderTemplate.standard.folder(values) == "message-export-prod/exportTime=202611231200")
        #expect(try FolderTemplate(FolderTemplate.standard.text) == .standard, "the standard one is one that may be given")
    }

    @Test(arguments: [
        "", "/a", "//", "a/", "a//b", "..", "../a", "a/../b", ".", "a/.", "a\u{0}b", "a\nb", "a\u{7F}", "a\\b", "%NAME%", "%",
        "a%b", "%DATASET_ID", "%DATASET_ID%%", "%%", "%dataset_id%", "%DATASET_ID%/%", String(repeating: "a", count: 513),
    ])
    func `what would lead elsewhere, and what is no macro, is refused by its field`(_ template: String) {
        let error = #expect(throws: Status.self) { try FolderTemplate(template) }
        #expect(error?.code == .invalidArgument && error?.field == "folder_template")
    }

    @Test(arguments: ["../..", "..", ".", "", "a/b", "/etc", "a\\b", "a\u{0}b", "\n"])
    func `names of people's making cannot lead elsewhere`(_ name: String) throws {
        var values = values
        (values.organization, values.sandbox, values.destinationName) = (name, name, name)
        for template in ["%ORGANIZATION_NAME%", "%SANDBOX_NAME%/x", "x/%DESTINATION_INSTANCE_NAME%"] {
            let folder = try FolderTemplate(template).folder(values)
            let names = folder.split(separator: "/", omittingEmptySubsequences: false)
            #expect(names.count == template.split(separator: "/").count, "\(folder)")
            #expect(names.allSatisfy { $0 != "." && $0 != ".." && !$0.isEmpty && !$0.contains("\u{0}") }, "\(folder)")
        }
    }

    @Test func `two macros that are dots do not become a way up together`() throws {
        var values = values
        (values.organization, values.sandbox) = (".", ".")
        #expect(try FolderTemplate("%ORGANIZATION_NAME%%SANDBOX_NAME%").folder(values) == "__")
        #expect(throws: Status.self) { try FolderTemplate("..") }
        #expect(try FolderTemplate(".%SANDBOX_NAME%").folder(values) == "._")
    }

    @Test func `any text is a template whose folder stays below the destination, or is refused`() throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let pieces =
            ["%", "/", ".", "..", "a", "\u{0}", "%DATASET_ID%", "%ORGANIZATION_NAME%", "\\", "ü", " "] + FolderTemplate.names
        var values = values
        var taken = 0
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 0...6, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
                .joined()
            values.organization = (0..<Int.random(in: 0...3, using: &generator)).map { _ in
                pieces.randomElement(using: &generator) ?? ""
            }
            .joined()
            guard let template = try? FolderTemplate(text) else { continue }
            taken += 1
            let names = template.folder(values).split(separator: "/", omittingEmptySubsequences: false)
            #expect(text == "/" || names.allSatisfy { $0 != ".." && $0 != "." && !$0.isEmpty }, "\(text), SEED=\(seed)")
            #expect(!template.folder(values).unicodeScalars.contains { $0.value < 0x20 }, "SEED=\(seed)")
        }
        #expect(taken > 200)
    }
}
