package import SystemPackage

/// What a daemon is started with.
package struct DaemonSettings: Sendable {
    /// Everything the daemon keeps, but for the master key.
    package let data: FilePath
    /// Where the daemon serves.
    package let socket: FilePath
    /// Must not be below `data`.
    package let masterKey: FilePath

    package init(data: FilePath, socket: FilePath, masterKey: FilePath) {
        self.data = data
        self.socket = socket
        self.masterKey = masterKey
    }

    var lock: FilePath { data.appending("daemon.lock") }
    var catalog: FilePath { data.appending("catalog.sqlite") }
    var socketLock: FilePath { FilePath(socket.string + ".lock") }

    /// `<what>/<sandbox id>/<epoch>`: keys apart from data, so that a backup can leave them out.
    func folder(_ what: String, sandboxID: String, epoch: UInt32) -> FilePath {
        data.appending(what).appending(sandboxID).appending(String(epoch))
    }
}
