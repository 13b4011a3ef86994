import Crypto
import Disk
import Foundation
import Glibc
import Model
import SystemPackage
import TestSupport
import Testing

@testable import Dataset

/// What is left on a real file system when a day has expired.
@Suite struct ExpiryOnDiskTests {
    /// Lends a file system of its own, in an image that is mounted by a loop device; where that is not allowed, a folder.
    private func withFileSystem(_ body: (FilePath) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let (image, mount) = (folder.appending("image").string, folder.appending("mounted"))
            try FileManager.default.createDirectory(atPath: mount.string, withIntermediateDirectories: false)
            #expect(FileManager.default.createFile(atPath: image, contents: nil))
            try FileHandle(forWritingTo: URL(filePath: image)).truncate(atOffset: 64 << 20)
            let made = try? await Programs.run("/sbin/mkfs.ext4", ["-q", "-F", image])
            let mounted = made?.code == 0 ? try? await Programs.run("/bin/mount", ["-o", "loop", image, mount.string]) : nil
            let result: Result<Void, any Error>
            do { result = .success(try await body(mount)) } catch { result = .failure(error) }
            if mounted?.code == 0 { #expect(try await Programs.run("/bin/umount", [mount.string]).code == 0) }
            try result.get()
        }
    }

    private func isAnywhere(_ bytes: [UInt8], in folder: FilePath) throws -> Bool {
        try FileManager.default.subpathsOfDirectory(atPath: folder.string).contains { path in
            guard let content = FileManager.default.contents(atPath: folder.appending(path).string) else { return false }
            return content.range(of: Data(bytes)) != nil
        }
    }

    @Test func `when a day has expired, no live file holds its keys, wrapped or not, and its records are in none`() async throws {
        try await withFileSystem { disk in
            let (time, master) = (ManualTime(), MasterKey.random().key)
            let folders = DatasetFolders(keys: disk.appending("keys"), data: disk.appending("data"))
            let store = try RecordStore(
                settings: .init(
                    sandbox: "s", epoch: 1, folders: folders, policy: .init(zone: .utc, retention: Retention(days: 3)),
                    sequenceFloor: 0),
                master: master, files: PosixFiles(), time: time)
            for index in 0..<20 { #expect(await store.append(try StoreFixture.submission("old \(index)")).isStored) }
            _ = try await store.compact(isForced: true)
            for index in 20..<40 { #expect(await store.append(try StoreFixture.submission("old \(index)")).isStored) }
            let names = try DatasetFolders.names(in: folders.keyFolder, "key", files: PosixFiles())
            #expect(names.count == 2)
            var secrets: [[UInt8]] = []
            var data: [[UInt8]] = []
            for name in names {
                let keys = try KeyFile.read(folders.key(name), master: master, files: PosixFiles()).keys
                secrets.append(keys.root.withUnsafeBytes { Array($0) })
                // What is wrapped: nonce, key and tag are the last 60 bytes that are not zero.
                let file = try PosixFiles().open(folders.key(name)).read(4096, at: 0)
                let used = (file.lastIndex { $0 != 0 } ?? 0) + 1
                secrets.append(Array(file[(used - 60)..<(used - 4)]))
                data.append(try PosixFiles().open(folders.data(name)).read(64, at: 104))
            }
            #expect(try isAnywhere(secrets[1], in: disk) && isAnywhere(data[0], in: disk), "what is looked for can be found")
            time.advance(hours: 24)
            #expect(await store.append(try StoreFixture.submission("new")).isStored)
            time.advance(hours: 72)
            let expired = store.expired
            #expect(expired.reduce(0) { $0 + $1.records } == 40)
            try await store.destroy(expired)
            for secret in secrets + data { #expect(try !isAnywhere(secret, in: disk)) }
            #expect(try store.all().map(\.id.value) == ["new"])
            await store.close()
        }
    }
}
