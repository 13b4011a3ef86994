package import Metrics
package import RPC
package import SystemPackage

/// The programs that a daemon delivers by.
package struct DeliveryPrograms: Sendable {
    /// This program itself, which supervises the others.
    package let supervisor: FilePath
    /// What delivers to everything but folders.
    package let rclone: FilePath
    /// What files are encrypted by.
    package let gpg: FilePath

    package init(supervisor: FilePath, rclone: FilePath = "/usr/bin/rclone", gpg: FilePath = "/usr/bin/gpg") {
        self.supervisor = supervisor
        self.rclone = rclone
        self.gpg = gpg
    }
}

/// What a daemon is started with.
package struct DaemonSettings: Sendable {
    /// Everything the daemon keeps, but for the master key.
    package let data: FilePath
    /// Where the daemon serves; the first one is for all sandboxes.
    package let sockets: [ListeningSocket]
    /// Must not be below `data`.
    package let masterKey: FilePath
    /// Whether systemd keeps it for this process.
    package let masterKeyIsCredential: Bool
    /// Where metrics are served.
    package let metrics: [MetricsServer.Place]
    /// What it delivers by.
    package let programs: DeliveryPrograms
    /// What can change while it runs, as it is at the start.
    package let reloadable: ReloadableSettings

    /// - Precondition: there is a socket.
    package init(
        data: FilePath, sockets: [ListeningSocket], masterKey: FilePath, masterKeyIsCredential: Bool = false,
        metrics: [MetricsServer.Place] = [],
        programs: DeliveryPrograms, reloadable: ReloadableSettings
    ) {
        precondition(!sockets.isEmpty, "a daemon serves at least one socket")
        self.data = data
        self.sockets = sockets
        self.masterKey = masterKey
        self.masterKeyIsCredential = masterKeyIsCredential
        self.metrics = metrics
        self.programs = programs
        self.reloadable = reloadable
    }

    var lock: FilePath { data.appending("daemon.lock") }
    var catalog: FilePath { data.appending("catalog.sqlite") }
    var auditReserve: FilePath { data.appending("audit-reserve") }
    var trustedTime: FilePath { data.appending("trusted-time") }
    /// There while the master key is being changed.
    var rotation: FilePath { data.appending("master-key-rotation") }
    var signingKey: FilePath { data.appending("signing.key") }
    /// What senders' spools are sealed to.
    var spoolKeys: FilePath { data.appending("spool-keys") }
    /// GnuPG's own, in which there are no keys.
    var openPGPHome: FilePath { data.appending("gnupg") }
    /// Those of `metrics` that are files.
    var metricsSockets: [String] {
        metrics.compactMap { if case .socket(let path) = $0 { path } else { nil } }
    }
    var socket: FilePath { FilePath(sockets[0].path) }
    var socketLock: FilePath { FilePath(socket.string + ".lock") }

    /// `<what>/<sandbox id>/<epoch>`: keys apart from data, so that a backup can leave them out.
    func folder(_ what: String, sandboxID: String, epoch: UInt32) -> FilePath {
        data.appending(what).appending(sandboxID).appending(String(epoch))
    }
}
