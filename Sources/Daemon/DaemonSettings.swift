package import RPC
package import SystemPackage

/// What a daemon is started with.
package struct DaemonSettings: Sendable {
    /// Everything the daemon keeps, but for the master key.
    package let data: FilePath
    /// Where the daemon serves; the first one is for all sandboxes.
    package let sockets: [ListeningSocket]
    /// Must not be below `data`.
    package let masterKey: FilePath
    /// Program that is told of alerts; nil: none is.
    package let alertCommand: FilePath?

    /// - Precondition: there is a socket.
    package init(data: FilePath, sockets: [ListeningSocket], masterKey: FilePath, alertCommand: FilePath? = nil) {
        precondition(!sockets.isEmpty, "a daemon serves at least one socket")
        self.data = data
        self.sockets = sockets
        self.masterKey = masterKey
        self.alertCommand = alertCommand
    }

    var lock: FilePath { data.appending("daemon.lock") }
    var catalog: FilePath { data.appending("catalog.sqlite") }
    var auditReserve: FilePath { data.appending("audit-reserve") }
    var trustedTime: FilePath { data.appending("trusted-time") }
    /// There while the master key is being changed.
    var rotation: FilePath { data.appending("master-key-rotation") }
    var signingKey: FilePath { data.appending("signing.key") }
    var socket: FilePath { FilePath(sockets[0].path) }
    var socketLock: FilePath { FilePath(socket.string + ".lock") }

    /// `<what>/<sandbox id>/<epoch>`: keys apart from data, so that a backup can leave them out.
    func folder(_ what: String, sandboxID: String, epoch: UInt32) -> FilePath {
        data.appending(what).appending(sandboxID).appending(String(epoch))
    }
}
