import Destinations
import Crypto
import Disk
import Exporter
import Formats
import Foundation
import Model
import SystemPackage
import TestSupport
import Testing

@Suite struct ExportTests {
    /// A file system with the destination's folder.
    private func destinationFiles(faults: [Int: SimulatedFiles.Fault] = [:]) throws -> SimulatedFiles {
        let files = SimulatedFiles(faults: faults)
        try files.createFolder("/out")
        return files
    }

    private let folder = FilePath("/out/message-export-prod/exportTime=202611231200")
    private var manifest: FilePath { folder.appending("manifest-f-1-run-1.json") }
    private func part(_ number: Int) -> FilePath { folder.appending("part-0000\(number)-run-1.json") }

    /// What is delivered says of itself what is there: every sequence of the window once, in files that are as the manifest has them.
    private func delivered(_ files: SimulatedFiles, _ host: LedgerHost, through: UInt64 = 10) throws -> Manifest {
        let found = try SignedManifest(file: files.content(manifest)).manifest
        #expect(ManifestCheck.problems(of: found) == [])
        var sequences: [UInt64] = []
        for file in found.exportResults {
            let content = files.content(folder.appending(file.name))
            #expect(Int64(content.count) == file.size)
            #expect(hexadecimal(SHA256.hash(data: content)) == file.sha256)
            for row in String(decoding: content, as: UTF8.self).split(separator: "\n") {
                let json = try #require(try JSONSerialization.jsonObject(with: Data(row.utf8)) as? [String: Any])
                let export = try #require(json["messageExport"] as? [String: Any])
                sequences.append(try #require(export["sequence"] as? UInt64))
            }
        }
        #expect(sequences == host.sequences.filter { $0 <= through })
        return found
    }

    @Test func `a run delivers its window in order and then a manifest that counts it`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(10))
        let done = try host.export().perform(host, to: files.out)
        #expect(done.run.state == .success)
        #expect((done.run.totals.received, done.run.totals.exported, done.run.totals.files) == (10, 10, 1))
        #expect(done.manifest == Array(SHA256.hash(data: files.content(manifest))))
        #expect(files.paths == [manifest, part(0)])
        let found = try delivered(files, host)
        #expect(found.window == .init(afterSequence: 0, throughSequence: 10))
        #expect((found.audit?.number, found.absent) == (7, []))
        #expect(files.afterPowerCut(.nothing).paths == [manifest, part(0)], "durable, now that the cursor moves")
    }

    @Test func `a file that is full is followed by another, and all of them are in the manifest`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(40, size: 30 << 10))
        let done = try host.export(through: 40, fileSizeLimit: 128 << 10).perform(host, to: files.out)
        let found = try delivered(files, host, through: 40)
        #expect(found.exportResults.count == Int(done.run.totals.files))
        #expect(found.exportResults.count > 2)
        #expect(found.exportResults.map(\.name) == host.begun)
    }

    @Test(arguments: [(Format.json, Compression.none), (.json, .gzip), (.parquet, .none), (.parquet, .zstd)])
    func `a file is ended near its limit, whatever its rows are gathered into`(_ format: Format, _ compression: Compression)
        throws
    {
        let (files, host) = (try destinationFiles(), LedgerHost(24, size: 200 << 10, isRandom: true))
        _ = try host.export(through: 24, format: format, compression: compression, fileSizeLimit: 1 << 20).perform(
            host, to: files.out)
        let parts = files.paths.filter { $0.lastComponent?.string.hasPrefix("part-") == true }.map { files.content($0).count }
        // The last row, and what a text compresses to, come on top, or not.
        #expect(parts.allSatisfy { $0 < (1 << 20) + 3 * (200 << 10) }, "\(parts)")
        #expect(parts.dropLast().allSatisfy { $0 > 1 << 18 }, "\(parts)")
    }

    @Test func `what is absent of a window is in the manifest with its reason`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(12, absent: [1, 2, 5, 12]))
        let done = try host.export(through: 14).perform(host, to: files.out)
        #expect((done.run.totals.received, done.run.totals.exported, done.run.totals.skipped) == (14, 8, 6))
        let found = try delivered(files, host, through: 14)
        #expect(found.absent.map { [$0.firstSequence, $0.lastSequence] } == [[1, 2], [5, 5], [12, 14]])
    }

    @Test(arguments: [(Format.json, Compression.none), (.json, .gzip), (.parquet, .zstd), (.parquet, .snappy)])
    func `the same window gives the same bytes`(_ format: Format, _ compression: Compression) throws {
        func deliver() throws -> [[UInt8]] {
            let (files, host) = (try destinationFiles(), LedgerHost(10))
            _ = try host.export(format: format, compression: compression).perform(host, to: files.out)
            return files.paths.map { files.content($0) }
        }
        #expect(try deliver() == deliver())
    }

    @Test func `a name that is somebody else's is never replaced, and trying again is of no use`() throws {
        for taken in [part(0), manifest] {
            let (files, host) = (try destinationFiles(), LedgerHost(10))
            try files.createFolder(folder)
            try files.create(taken).write([Data("precious".utf8)], at: 0)
            let error = #expect(throws: Export.Failure.self) { try host.export().perform(host, to: files.out) }
            #expect(error?.isWorthRetrying == false)
            #expect(files.content(taken) == Array("precious".utf8))
            try host.export().withdraw(from: files.out)
            #expect(files.paths == [taken], "what the run delivered is gone, and nothing else")
        }
    }

    @Test(arguments: [SimulatedFiles.Fault.fail(.noSpace), .fail(.ioError), .fail(.readOnlyFileSystem)])
    func `a destination that fails at any operation fails the attempt, and the next one delivers everything once`(
        _ fault: SimulatedFiles.Fault
    ) throws {
        var failures = 0
        for operation in 1..<200 {
            let (files, host) = (try destinationFiles(faults: [operation: fault]), LedgerHost(10, absent: [4], size: 5 << 10))
            do {
                _ = try host.export(fileSizeLimit: 10 << 10).perform(host, to: files.out)
                guard files.operations > operation else { break }
            } catch let error as Export.Failure {
                failures += 1
                #expect(error.isWorthRetrying, "operation \(operation)")
                _ = try host.export(fileSizeLimit: 10 << 10).perform(host, to: files.out)
            }
            _ = try delivered(files, host)
            let leftovers = files.paths.filter { $0.lastComponent?.string.hasPrefix(".") == true }
            #expect(leftovers == [], "operation \(operation)")
        }
        #expect(failures > 15)
    }

    @Test func `a power cut at any operation is followed by an attempt that delivers everything once`() throws {
        var stops = 0
        for operation in 1..<200 {
            for remains in [SimulatedFiles.Remains.nothing, .everything, .some(seed: UInt64(operation))] {
                let host = LedgerHost(10, size: 5 << 10)
                let files = try destinationFiles(faults: [operation: .stop])
                guard (try? host.export(fileSizeLimit: 10 << 10).perform(host, to: files.out)) == nil else { continue }
                stops += 1
                let found = files.afterPowerCut(remains)
                if try !found.exists("/out") { try found.createFolder("/out") }
                let done = try host.export(fileSizeLimit: 10 << 10).perform(host, to: found.out)
                #expect(done.run.totals.exported == 10)
                _ = try delivered(found, host)
                let leftovers = found.paths.filter { $0.lastComponent?.string.hasPrefix(".") == true }
                #expect(leftovers == [], "operation \(operation), \(remains)")
            }
        }
        #expect(stops > 60)
    }

    @Test func `a stop between batches leaves what is delivered, and the next attempt goes on after it`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(10, size: 30 << 10))
        host.stop(at: 2, .daemon)
        let error = #expect(throws: Export.Failure.self) {
            try host.export(fileSizeLimit: 64 << 10).perform(host, to: files.out)
        }
        guard case .stopped(.daemon) = error else { return #expect(Bool(false), "\(String(describing: error))") }
        #expect(files.paths == [part(0)])
        _ = try host.export(fileSizeLimit: 64 << 10).perform(host, to: files.out)
        #expect(host.ended.count > 2)
        #expect(Set(host.ended).count == host.ended.count, "none is made again: \(host.ended)")
        _ = try delivered(files, host)
    }

    @Test func `a delivered file that is not as it was is made again`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(10, size: 30 << 10))
        host.stop(at: 2, .daemon)
        _ = try? host.export(fileSizeLimit: 64 << 10).perform(host, to: files.out)
        try files.remove(part(0))
        _ = try host.export(fileSizeLimit: 64 << 10).perform(host, to: files.out)
        _ = try delivered(files, host)
    }

    @Test func `a run that is cancelled in any phase leaves nothing behind`() throws {
        for time in 1...8 {
            let (files, host) = (try destinationFiles(), LedgerHost(10, size: 30 << 10))
            host.stop(at: time, .cancelled)
            guard (try? host.export(fileSizeLimit: 64 << 10).perform(host, to: files.out)) == nil else {
                #expect(time > 3)
                continue
            }
            try host.export(fileSizeLimit: 64 << 10).withdraw(from: files.out)
            #expect(files.paths == [], "time \(time)")
        }
    }

    @Test func `an empty window gives a manifest that says so, and no data file`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(0))
        let done = try host.export(through: 0).perform(host, to: files.out)
        #expect(done.run.totals == Run.Totals())
        #expect(files.paths == [manifest])
        _ = try delivered(files, host, through: 0)
    }

    @Test func `a destination whose folder is gone is not made again`() throws {
        let (files, host) = (SimulatedFiles(), LedgerHost(10))
        let error = #expect(throws: Export.Failure.self) { try host.export().perform(host, to: files.out) }
        #expect(error?.description.contains("/out") == true)
        #expect(error?.isWorthRetrying == true, "it may be mounted again")
        #expect(files.paths.isEmpty)
    }

    @Test func `an error of the dataset fails the attempt as it is`() throws {
        let (files, host) = (try destinationFiles(), LedgerHost(10, damagedAfter: 3))
        #expect(throws: LedgerHost.Damaged.self) { try host.export().perform(host, to: files.out) }
        #expect(files.paths.isEmpty)
    }

    @Test func `a folder below the destination's that is a link is not followed`() async throws {
        try await withTemporaryFolder { temporary in
            let (out, elsewhere) = (temporary.appending("out"), temporary.appending("elsewhere"))
            for path in [out, elsewhere] {
                try FileManager.default.createDirectory(atPath: path.string, withIntermediateDirectories: true)
            }
            try FileManager.default.createSymbolicLink(
                atPath: out.appending("message-export-prod").string, withDestinationPath: elsewhere.string)
            let host = LedgerHost(10)
            var export = host.export()
            export = Export(
                run: export.run, dataflow: export.dataflow,
                destination: Destination(
                    id: "d-1", name: "d", settings: .local(path: out.string), createdAt: LedgerHost.time),
                context: .init(
                    organization: "o", publicKey: [1], sandbox: .init(id: "s-1", name: "prod"), epoch: 1, previous: nil))
            let asked = export
            let error = #expect(throws: Export.Failure.self) {
                try asked.perform(host, to: LocalFolder(path: out.string, files: PosixFiles()))
            }
            #expect(error?.isWorthRetrying == false)
            #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere.string) == [])
        }
    }
}
