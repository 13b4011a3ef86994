import Disk
import Foundation
import SystemPackage
import TestSupport
import Testing

/// What both file systems promise, and what each has of its own.
@Suite struct DiskTests {
    private func exercise(_ files: any Files, in folder: FilePath) throws {
        let deep = folder.appending("a/b/c")
        try files.createFolder(deep)
        try files.createFolder(deep)
        let path = deep.appending("file")
        let file = try files.create(path)
        try file.write([Data([1, 2]), Data(), Data([3])], at: 2)
        try file.sync()
        #expect(try file.read(10, at: 0) == [0, 0, 1, 2, 3])
        #expect(try file.read(2, at: 3) == [2, 3])
        #expect(try file.read(2, at: 9) == [])
        #expect(try file.size() == 5)
        #expect(throws: DiskError("create", path, .fileExists)) { try files.create(path) }
        try files.rename(path, to: deep.appending("other"))
        try files.syncFolder(deep)
        #expect(try files.list(deep) == ["other"])
        #expect(try !files.exists(path))
        #expect(try files.open(deep.appending("other")).read(1, at: 4) == [3])
        try files.remove(deep.appending("other"))
        #expect(throws: DiskError.self) { try files.open(deep.appending("other")) }
        #expect(throws: DiskError.self) { try files.remove(deep.appending("other")) }
        #expect(throws: DiskError.self) { try files.list(folder.appending("none")) }
    }

    @Test func `the real and the simulated file system keep the same promises`() async throws {
        try exercise(SimulatedFiles(), in: "/data")
        try await withTemporaryFolder { try exercise(PosixFiles(), in: $0) }
    }

    @Test
    func `of a file that is removed in pieces the end goes first: who has it open reads less, and other names keep all of it`()
        async throws
    {
        func readsEnd(_ files: any Files, of path: FilePath, remove: () throws -> Void) throws -> Bool {
            let file = try files.create(path)
            try file.write([Data(count: 9 << 20)], at: 0)
            try remove()
            #expect(try !files.exists(path))
            return try !file.read(1, at: 8 << 20).isEmpty
        }
        func check(_ files: any Files, in folder: FilePath) throws {
            let path = folder.appending("file")
            #expect(try !readsEnd(files, of: path) { try files.removeInPieces(path) })
            #expect(try readsEnd(files, of: path) { try files.remove(path) })
            #expect(throws: DiskError.self) { try files.removeInPieces(path) }
        }
        try check(SimulatedFiles(), in: "/data")
        try await withTemporaryFolder { folder in
            try check(PosixFiles(), in: folder)
            let (path, name) = (folder.appending("named"), folder.appending("other name"))
            try PosixFiles().create(path).write([Data(count: 9 << 20)], at: 0)
            #expect(link(path.string, name.string) == 0)
            try PosixFiles().removeInPieces(path)
            #expect(try PosixFiles().open(name).size() == 9 << 20)
        }
    }

    @Test func `files are their owner's alone`() async throws {
        try await withTemporaryFolder { folder in
            let files = PosixFiles()
            try files.createFolder(folder.appending("f"))
            _ = try files.create(folder.appending("f/file"))
            func mode(_ name: String) throws -> Int? {
                try FileManager.default.attributesOfItem(atPath: folder.appending(name).string)[.posixPermissions] as? Int
            }
            #expect(try mode("f") == 0o700)
            #expect(try mode("f/file") == 0o600)
        }
    }

    @Test func `a lock is held by one at a time and freed when it is let go`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("lock")
            var first = try FileLock.claim(path)
            #expect(first != nil)
            #expect(try FileLock.claim(path) == nil)
            first = nil
            // Another test's program that is being started has a copy of every descriptor, until it is.
            while try FileLock.claim(path) == nil { await Task.yield() }
        }
    }

    @Test func `a simulated power cut keeps what was synced and nothing else`() throws {
        let files = SimulatedFiles()
        try files.createFolder("/d")
        let kept = try files.create("/d/kept")
        try kept.write([Data([1])], at: 0)
        try kept.sync()
        try files.syncFolder("/d")
        try kept.write([Data([2])], at: 1)
        _ = try files.create("/d/unnamed")
        let found = files.afterPowerCut(.nothing)
        #expect(found.paths == ["/d/kept"])
        #expect(found.content("/d/kept") == [1])
        #expect(files.afterPowerCut(.everything).content("/d/kept") == [1, 2])
    }

    @Test func `space that is reserved is taken from the disk, given up once, and reserved again`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder.appending("reserve")
            let space = ReservedSpace(path, bytes: 1 << 20)
            #expect(!space.release(), "nothing is reserved yet")
            for _ in 0..<2 {
                #expect(space.hold() && space.hold())
                var status = stat()
                #expect(lstat(path.string, &status) == 0 && status.st_size == 1 << 20 && status.st_blocks * 512 >= 1 << 20)
                #expect(space.release())
                #expect(!space.release())
                #expect(access(path.string, F_OK) != 0)
            }
            // More than any disk has: nothing is left of it.
            let tooMuch = ReservedSpace(path, bytes: 1 << 60)
            #expect(!tooMuch.hold() && !tooMuch.release())
            #expect(access(path.string, F_OK) != 0)
            #expect(!ReservedSpace(folder.appending("no/such/folder"), bytes: 1).hold())
        }
    }
}
