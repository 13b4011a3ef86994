import Foundation
import SystemPackage
import TestSupport
import Testing

/// Makes a flagged email configuration `mail`, a flagged SMS one `sms`, an unflagged one `off`, and a dataflow `daily`.
func createFlow(_ daemon: DaemonFixture.Running, to archive: FilePath?, options: [String] = []) async throws {
    let on = ["--message-export", "on", "--submit"]
    var commands = [
        ["configuration", "create", "mail", "--channel", "email"] + on,
        ["configuration", "create", "sms", "--channel", "sms"] + on,
        ["configuration", "create", "off", "--channel", "email", "--submit"],
    ]
    if let archive {
        commands.append(["destination", "create", "archive", "--type", "local", "--path", archive.string])
        commands.append(["dataflow", "create", "daily", "--destination", "archive", "--format", "json"] + options)
    }
    for command in commands {
        let ended = try await Programs.run(Programs.client, command + ["--socket", daemon.socket])
        try #require(ended.code == 0, "\(command): \(ended.errors)")
    }
}

func ingestSms(_ daemon: DaemonFixture.Running, _ text: String, id: String? = nil) async throws -> Programs.Ended {
    let command = [
        "ingest", "sms", "--configuration", "sms", "--from", "1", "--to", "2", "-o", "json", "--socket", daemon.socket,
    ]
    return try await Programs.run(Programs.client, command + (id.map { ["--message-id", $0] } ?? []) + [text])
}

/// A JSON document that must be an object.
func document(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

func text(_ json: String, _ key: String) throws -> String {
    try #require(try document(json)[key] as? String, "\(key) in \(json)")
}

func number(_ json: String, _ key: String) throws -> Int {
    try #require(try document(json)[key] as? Int, "\(key) in \(json)")
}

/// The files below a folder, by path.
func delivered(in folder: FilePath) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.string).map { folder.appending($0).string }.filter {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: $0, isDirectory: &isFolder) && !isFolder.boolValue
    }.sorted()
}

/// The rows of all data files below a folder, as `gzip` and Foundation read them.
func exportedRows(in folder: FilePath) async throws -> [[String: Any]] {
    var rows: [[String: Any]] = []
    for file in try delivered(in: folder) where file.hasSuffix(".json.gz") {
        let ended = try await Programs.run("/usr/bin/gzip", ["-dc", file])
        try #require(ended.code == 0)
        for line in ended.output.split(separator: "\n") { rows.append(try document(String(line))) }
    }
    return rows
}

/// `messageRenderedContent` of a row.
func content(_ row: [String: Any]) -> [String: Any] {
    let journey = (row["_experience"] as? [String: Any])?["customerJourneyManagement"] as? [String: Any]
    return journey?["messageRenderedContent"] as? [String: Any] ?? [:]
}
