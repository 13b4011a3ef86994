import Foundation
import FuzzTargets
import Messages
import Model
import NIOCore
import RPC
import SystemPackage
import TestSupport
import Testing

/// The fuzzers' inputs, replayed: seeds, and whatever was found once.
@Suite struct FuzzTests {
    private static let folder = Programs.repository.appending("Tests/Vectors/fuzz")

    private func inputs(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Self.folder.appending(target.rawValue).string
        return try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
            (name, try Array(Data(contentsOf: URL(filePath: "\(folder)/\(name)"))))
        }
    }

    @Test(arguments: FuzzTarget.allCases.filter { $0 != .canary })
    func `every input of the corpus is taken`(target: FuzzTarget) throws {
        let inputs = try inputs(of: target)
        #expect(inputs.count >= 10)
        for input in inputs { target.run(input.bytes) }
    }

    @Test func `the canary fails, so that a failure would be seen`() async throws {
        await #expect(processExitsWith: .failure) { FuzzTarget.canary.run(Array("FUZZ!".utf8)) }
        FuzzTarget.canary.run(Array("FUZ".utf8))
    }

    @Test(arguments: FuzzTarget.allCases.filter { $0 != .canary })
    func `inputs of the corpus with some bytes changed are taken`(target: FuzzTarget) throws {
        let seed = testSeed()
        var generator = SeededGenerator(seed: seed)
        let inputs = try inputs(of: target).map(\.bytes).filter { !$0.isEmpty }
        for _ in 0..<2000 {
            guard var bytes = inputs.randomElement(using: &generator) else { break }
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            if Bool.random(using: &generator) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator)) }
            // A failure ends the program: the seed is all there is to find it by.
            target.run(bytes)
        }
        #expect(Bool(true), "SEED=\(seed)")
    }

    @Test func `the seeds are what real clients send`() throws {
        // UPDATE_SEEDS=1 writes them.
        let seeds = try FuzzSeeds.all()
        if ProcessInfo.processInfo.environment["UPDATE_SEEDS"] != nil {
            for (target, inputs) in seeds {
                let folder = Self.folder.appending(target.rawValue).string
                try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
                for (name, bytes) in inputs { try Data(bytes).write(to: URL(filePath: "\(folder)/\(name)")) }
            }
        }
        for (target, expected) in seeds {
            let found = try inputs(of: target).reduce(into: [:]) { $0[$1.name] = $1.bytes }
            for (name, bytes) in expected { #expect(found[name] == bytes, "\(target)/\(name)") }
        }
    }
}
