import Catalog
import Formats
import Foundation
import Logging
import Model
import ServiceLifecycle
import Subprocess
import SystemPackage

/// Keeps alerts, and tells one program of the administrator's of each: as JSON on its standard input, with nothing in its environment.
final class AlertService: Service {
    private struct Notice: Sendable {
        let alert: Alert
        let sandbox: String
    }

    private let catalog: CatalogStore
    private let current: CurrentSettings
    private let logger: Logger
    private let notices: AsyncStream<Notice>
    private let continuation: AsyncStream<Notice>.Continuation

    init(catalog: CatalogStore, current: CurrentSettings, logger: Logger) {
        self.catalog = catalog
        self.current = current
        self.logger = logger
        (notices, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(Limits.alertsQueued))
    }

    /// Raises an alert, unless it tells of a state that is told of already.
    func raise(_ alert: Alert, in sandbox: Sandbox) async {
        var alert = alert
        alert.detail = String(alert.detail.prefix(Limits.alertDetailCharacters))
        do throws(CatalogError) {
            guard try await catalog.raise(alert, sandboxID: sandbox.id) else { return }
        } catch {
            logger.error("an alert is not kept", metadata: ["alert": "\(alert.kind.rawValue)", "error": "\(error)"])
        }
        let level: Logger.Level = alert.kind.isState ? .warning : .info
        logger.log(
            level: level, "alert",
            metadata: [
                "alert": "\(alert.kind.rawValue)", "sandbox": "\(sandbox.name)", "dataflow": "\(alert.dataflow)",
                "detail": "\(alert.detail)",
            ])
        if current.value.alertCommand != nil { continuation.yield(Notice(alert: alert, sandbox: sandbox.name)) }
    }

    /// What these alerts told of is over.
    func clear(_ kinds: [Alert.Kind], of dataflow: String, in sandbox: Sandbox) async {
        do throws(CatalogError) {
            try await catalog.clearAlerts(kinds, dataflow: dataflow, sandboxID: sandbox.id)
        } catch {
            logger.error("alerts are not ended", metadata: ["dataflow": "\(dataflow)", "error": "\(error)"])
        }
    }

    func run() async {
        await withGracefulShutdownHandler {
            for await notice in notices {
                // What still waits at a stop is kept in the catalog.
                if Task.isShuttingDownGracefully { break }
                await cancelWhenGracefulShutdown { await self.tell(notice) }
            }
        } onGracefulShutdown: {
            self.continuation.finish()
        }
    }

    private func tell(_ notice: Notice) async {
        guard let command = current.value.alertCommand else { return }
        var json = JSONWriter()
        json.object { json in
            json.member("alert", notice.alert.kind.rawValue)
            json.member("sandbox", notice.sandbox)
            json.member("dataflow", notice.alert.dataflow)
            json.member("run", notice.alert.run)
            json.member("time", notice.alert.time.description)
            json.member("detail", notice.alert.detail)
        }
        json.newline()
        let text = json.bytes
        let outcome = await withTaskGroup(of: String?.self) { group in
            group.addTask { await Self.run(command, input: text) }
            group.addTask {
                // Cancelled when the program has ended before.
                try? await Task.sleep(for: .seconds(Limits.alertCommandSeconds))
                return Task.isCancelled ? nil : "it took more than \(Limits.alertCommandSeconds) seconds, and was ended"
            }
            let first = await group.next() ?? nil
            // Cancelling ends the program, and what it has started.
            group.cancelAll()
            return first
        }
        if let outcome { logger.error("the alert command failed", metadata: ["reason": "\(outcome)"]) }
    }

    /// - Returns: why it did not do well; nil: it did.
    private static func run(_ command: FilePath, input: [UInt8]) async -> String? {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [.gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(1))]
        do {
            // A pipe holds all of it: nobody waits for a program that does not read.
            let (reading, writing) = try FileDescriptor.pipe()
            do { _ = try writing.closeAfter { try writing.writeAll(input) } } catch {
                try reading.close()
                throw error
            }
            let ended = try await Subprocess.run(
                .path(command), environment: .custom([:] as [Environment.Key: String]), platformOptions: options,
                input: .fileDescriptor(reading, closeAfterSpawningProcess: true), output: .discarded, error: .discarded)
            return ended.terminationStatus.isSuccess ? nil : "it ended with \(ended.terminationStatus)"
        } catch {
            return "it could not be run: \(error)"
        }
    }
}
