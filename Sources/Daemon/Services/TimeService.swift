import Catalog
import Disk
import Logging
import Model
import ServiceLifecycle

/// Notes the trusted time now and then, and tells when the wall clock is doubted, or believed again.
struct TimeService: Service {
    let time: TrustedTime
    let catalog: CatalogStore
    let logger: Logger
    private let disk = DiskQueue("time")

    init(time: TrustedTime, catalog: CatalogStore, logger: Logger) {
        self.time = time
        self.catalog = catalog
        self.logger = logger
    }

    func run() async {
        var known: TrustedClock.Doubt?
        while !Task.isShuttingDownGracefully, !Task.isCancelled {
            let reading = time.reading
            if reading.doubt != known { await tell(reading) }
            known = reading.doubt
            do { try await disk.run { () throws(DiskError) in try time.note() } } catch {
                logger.error("the time could not be noted", metadata: ["error": "\(error)"])
            }
            try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Limits.clockNoteSeconds)) }
        }
    }

    private func tell(_ reading: ClockReading) async {
        let clocks: Logger.Metadata = ["trusted": "\(reading.trusted)", "wall": "\(reading.wall)"]
        if let doubt = reading.doubt {
            logger.error(
                "the wall clock is doubted: nothing is destroyed until it agrees or an administrator confirms it",
                metadata: clocks.merging(["doubt": "\(doubt.rawValue)"]) { first, _ in first })
        } else {
            logger.notice("the wall clock is believed again", metadata: clocks)
        }
        let deed = Deed(
            user: nil, action: reading.doubt == nil ? .timeTrusted : .timeDoubtful,
            detail: "\(reading.doubt?.rawValue ?? "agrees"), wall clock \(reading.wall)")
        do { try await catalog.record([deed]) } catch {
            logger.error("the audit could not be written", metadata: ["error": "\(error)"])
        }
    }
}
