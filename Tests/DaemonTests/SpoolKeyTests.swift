import Dataset
import Disk
import Foundation
import Model
import SealedBox
import SystemPackage
import TestSupport
import Testing

@testable import Daemon

/// The keys that spools are sealed to.
@Suite struct SpoolKeyTests {
    private let master = MasterKey.random().key
    private let time = ManualTime()

    private func open(_ folder: FilePath, _ master: MasterKey? = nil, damaged: Int = 0) throws -> SpoolKeys {
        var found = 0
        let keys = try SpoolKeys(folder, master: master ?? self.master, time: time) { _ in found += 1 }
        #expect(found == damaged)
        return keys
    }

    private func files(_ folder: FilePath) throws -> [FilePath] {
        try FileManager.default.contentsOfDirectory(atPath: folder.string).sorted().map { folder.appending($0) }
    }

    @Test func `there is a new one each day, and what is sealed to an older one is opened until it is destroyed`() async throws {
        try await withTemporaryFolder { folder in
            let keys = try open(folder)
            let first = try await keys.newest()
            time.advance(hours: Int64(Limits.spoolKeyHours) - 1)
            #expect(try await keys.newest().pair.publicKey == first.pair.publicKey)
            time.advance(hours: 1)
            let second = try await keys.newest()
            #expect(second.pair.publicKey != first.pair.publicKey)
            let box = try #require(SealedBox.seal([1, 2, 3], to: first.pair.publicKey))
            // It is there after a start, too.
            let again = try open(folder)
            #expect(try await again.newest().pair.publicKey == second.pair.publicKey)
            #expect(SealedBox.open(box, try #require(again.pair(of: first.pair.publicKey))) == [1, 2, 3])
            time.set(first.keptUntil)
            #expect(again.pair(of: first.pair.publicKey) == nil, "before it is destroyed")
            #expect(try await again.destroyOld() == 1)
            #expect(try files(folder).count == 1)
            #expect(again.pair(of: second.pair.publicKey) != nil)
        }
    }

    @Test func `it is kept longer than anything is retained`() {
        #expect(Limits.spoolKeyDays > Limits.retentionDaysAllowed.upperBound + 1)
    }

    @Test func `no key is in its file, one that is damaged is told of, and another master key is refused`() async throws {
        try await withTemporaryFolder { folder in
            let key = try await open(folder).newest()
            let path = try #require(try files(folder).first)
            let content = try Data(contentsOf: URL(filePath: path.string))
            #expect(content.range(of: Data(key.pair.secretKey)) == nil)
            #expect(try FileManager.default.attributesOfItem(atPath: path.string)[.posixPermissions] as? Int == 0o600)
            let refusal = #expect(throws: Status.self) { try open(folder, MasterKey.random().key) }
            #expect(refusal?.code == .failedPrecondition)
            for offset in master.id.count..<content.count {
                var bytes = content
                bytes[offset] ^= 1
                try bytes.write(to: URL(filePath: path.string))
                #expect(try open(folder, damaged: 1).pair(of: key.pair.publicKey) == nil, "byte \(offset)")
            }
            try content.dropLast().write(to: URL(filePath: path.string))
            _ = try open(folder, damaged: 1)
        }
    }

    @Test func `another master key is put in place of the old one, however often it is begun`() async throws {
        try await withTemporaryFolder { folder in
            let keys = try open(folder)
            let first = try await keys.newest()
            time.advance(hours: 25)
            let second = try await keys.newest()
            let new = MasterKey.random().key
            try Data([1]).write(to: URL(filePath: folder.appending("x.key").string))
            for rewrapped in [2, 0] {
                let outcome = try SpoolKeys.rewrap(folder, from: master, to: new)
                #expect(outcome.rewrapped == rewrapped && outcome.left.count == 1)
            }
            let after = try open(folder, new, damaged: 1)
            for key in [first, second] { #expect(after.pair(of: key.pair.publicKey)?.secretKey == key.pair.secretKey) }
        }
    }
}
