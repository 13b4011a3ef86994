import Foundation
package import SystemPackage

/// Lends a folder of its own to `body` and removes it afterwards, whatever happens.
package func withTemporaryFolder<Value>(_ body: (FilePath) async throws -> Value) async throws -> Value {
    // Short: the path of a Unix socket has 107 bytes at most.
    let path = FilePath("/tmp/mx-\(UUID().uuidString.prefix(13))")
    try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(atPath: path.string) }
    return try await body(path)
}
