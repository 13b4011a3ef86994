import Dataset
import Disk
import Logging
import Metrics
import Model
import SystemPackage

/// Opens and destroys the datasets of sandboxes. Blocks.
struct Datasets: Sendable {
    let settings: DaemonSettings
    let master: MasterKey
    let files: any Files
    let time: any TimeSource
    let logger: Logger
    let meters: Meters
    let healthChanged: @Sendable () -> Void
    /// What may take its time is done by one dataset after the other.
    private let upkeep = DiskQueue("upkeep")

    init(
        settings: DaemonSettings, master: MasterKey, files: any Files, time: any TimeSource, logger: Logger,
        meters: Meters = Meters(), healthChanged: @escaping @Sendable () -> Void
    ) {
        self.meters = meters
        self.settings = settings
        self.master = master
        self.files = files
        self.time = time
        self.logger = logger
        self.healthChanged = healthChanged
    }

    /// - Parameter floor: new records get sequences above this.
    func open(_ sandbox: Sandbox, floor: UInt64) throws(Status) -> RecordStore {
        do throws(DatasetError) {
            let (logger, meters, meter) = (logger, meters, meters.meter(of: sandbox.name))
            let store = try RecordStore(
                settings: .init(
                    sandbox: sandbox.id, epoch: sandbox.epoch,
                    folders: DatasetFolders(
                        keys: settings.folder("keys", sandboxID: sandbox.id, epoch: sandbox.epoch),
                        data: settings.folder("datasets", sandboxID: sandbox.id, epoch: sandbox.epoch)),
                    policy: try sandbox.policy, quotas: sandbox.quotas, sequenceFloor: floor),
                master: master, files: files, time: time, upkeep: upkeep,
                reports: .init(
                    failure: { failure in
                        meter.writeFailures.add()
                        logger.error("not written", metadata: ["sandbox": "\(sandbox.name)", "error": "\(failure)"])
                    },
                    damage: { damage in
                        meters.damage.add()
                        logger.error("damage", metadata: ["sandbox": "\(sandbox.name)", "found": "\(damage)"])
                    }, healthChanged: healthChanged,
                    committed: { records, bytes, syncNanoseconds in
                        meter.batchRecords.observe(UInt64(records))
                        meter.batchBytes.observe(UInt64(bytes))
                        meter.sync.observe(syncNanoseconds)
                    }))
            for report in store.recoveryReports {
                meters.damage.add()
                logger.warning("recovery", metadata: ["sandbox": "\(sandbox.name)", "found": "\(report)"])
            }
            return store
        } catch {
            throw Status(error)
        }
    }

    /// Destroys what is on disk of other epochs than those that are kept: keys first, then nothing of the data can be read any more.
    ///
    /// - Parameter kept: the epoch of each sandbox that lives, by its id.
    func destroy(but kept: [String: UInt32]) throws(Status) {
        do throws(DiskError) {
            for what in ["keys", "datasets"] {
                let folder = settings.data.appending(what)
                guard try files.exists(folder) else { continue }
                for id in try files.list(folder) {
                    // What is no epoch's number somebody else has put there.
                    for epoch in try files.list(folder.appending(id)).compactMap(UInt32.init) where epoch != kept[id] {
                        try empty(folder.appending(id).appending("\(epoch)"))
                    }
                }
            }
        } catch {
            throw Status(error)
        }
    }

    private func empty(_ folder: FilePath) throws(DiskError) {
        let names = try files.list(folder)
        guard !names.isEmpty else { return }
        for name in names { try files.remove(folder.appending(name)) }
        try files.syncFolder(folder)
    }
}

extension Sandbox {
    /// Whose days count in it, and how long records are kept.
    var policy: RetentionPolicy {
        get throws(DatasetError) {
            do {
                return RetentionPolicy(zone: try Zone(timeZone), retention: retention)
            } catch {
                throw DatasetError(.io, "sandbox \(name) has the time zone \(timeZone), which is not known here")
            }
        }
    }
}
