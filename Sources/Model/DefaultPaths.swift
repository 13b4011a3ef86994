/// Where things are when nobody says otherwise: the same for the daemon and for clients.
public struct DefaultPaths: Hashable, Sendable {
    /// The daemon's data folder.
    public let data: String
    /// The daemon's socket.
    public let socket: String
    /// The master key: outside the data folder.
    public let masterKey: String
    /// The daemon's configuration file, which need not be there.
    public let configuration: String

    /// - Parameters:
    ///   - environment: the process's.
    ///   - uid: root has the system's places, everybody else their own.
    ///   - data: a data folder that was named, which then also holds the socket where there is no runtime folder.
    public init(environment: [String: String], uid: UInt32, data named: String? = nil) {
        func folder(_ variable: String, or fallback: String) -> String {
            // XDG: a relative path is to be ignored.
            guard let value = environment[variable], value.hasPrefix("/") else { return fallback }
            return value
        }
        guard uid != 0 else {
            data = named ?? "/var/lib/message-export"
            socket = "/run/message-export/msgexportd.sock"
            masterKey = "/etc/message-export/master.key"
            configuration = "/etc/message-export/msgexportd.yaml"
            return
        }
        let home = folder("HOME", or: "/")
        data = named ?? folder("XDG_STATE_HOME", or: "\(home)/.local/state") + "/message-export"
        let runtime = folder("XDG_RUNTIME_DIR", or: "")
        socket = runtime.isEmpty ? "\(data)/msgexportd.sock" : "\(runtime)/message-export/msgexportd.sock"
        let own = folder("XDG_CONFIG_HOME", or: "\(home)/.config") + "/message-export"
        masterKey = "\(own)/master.key"
        configuration = "\(own)/msgexportd.yaml"
    }
}
