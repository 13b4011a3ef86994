import Model

extension Setting {
    /// Everything that a daemon keeps, but for the master key.
    public static let data = Setting(
        "data", "data", .path,
        "Folder for everything the daemon keeps, for its user alone. Default: /var/lib/message-export for root, else below $XDG_STATE_HOME."
    )
    /// The file of the master key.
    public static let masterKey = Setting(
        "master-key", "master-key", .path,
        """
        File of the master key, outside the data folder; made at the first start. Without it the data cannot be read. Default: \
        /etc/message-export/master.key for root, else message-export/master.key under $XDG_CONFIG_HOME.
        """)
    /// The socket for all sandboxes.
    public static let socket = Setting(
        "socket.path", "socket", .path,
        "Path of the socket to serve. Default: /run/message-export/msgexportd.sock for root, else below $XDG_RUNTIME_DIR.")
    /// Permission bits of the sockets.
    public static let socketMode = Setting(
        "socket.mode", "socket-mode", .mode, standard: "0660",
        "Permission bits of the sockets, in octal. Who may do what is decided by grants, whatever they are.")
    /// The group of the sockets.
    public static let socketGroup = Setting(
        "socket.group", "socket-group", .text, "Group that the sockets are given to, by name or id. Default: the daemon's.")
    /// Sockets that are confined to a sandbox.
    public static let sandboxSockets = Setting(
        "sandbox-sockets", "sandbox-socket", .sockets,
        """
        Further sockets, each for one sandbox: on it nothing but ingesting into that sandbox is possible, for whoever may open it. In the \
        file a line a sandbox; as an option NAME=PATH, several times; not in the environment.
        """)
    /// The program that is told of alerts.
    public static let alertCommand = Setting(
        "alerts.command", "alert-command", .path, isReloadable: true,
        """
        A program that is run for each alert of an export, one after the other, with nothing in its environment and the alert on its \
        standard input, such as {"alert":"RUN_FAILED","sandbox":"prod","dataflow":"daily","run":"…","time":"…","detail":"…"}; it has \
        \(Limits.alertCommandSeconds) seconds.
        """)
    /// The rclone to deliver with.
    public static let rclone = Setting(
        "delivery.rclone", "rclone", .path, standard: "/usr/bin/rclone",
        "The rclone that delivers to everything but folders, 1.60 or later.")
    /// The GnuPG to encrypt with.
    public static let gpg = Setting(
        "delivery.gpg", "gpg", .path, standard: "/usr/bin/gpg", "The GnuPG that files are encrypted by, 2.2 or later.")
    /// How long nothing may go on at a destination.
    public static let deliveryTimeout = Setting(
        "delivery.timeout", "delivery-timeout", .seconds(Limits.deliveryStallSecondsAllowed),
        standard: "\(Limits.deliveryStallSeconds)", isReloadable: true,
        "How long nothing may go on at a destination before an attempt has failed, in seconds.")
    /// What is logged.
    public static let logLevel = Setting(
        "log.level", "log-level", .choice(["debug", "info", "notice", "warning", "error"]), standard: "info", isReloadable: true,
        "The least important of what is logged.")
    /// How it is logged.
    public static let logFormat = Setting(
        "log.format", "log-format", .choice(["text", "json"]), standard: "text",
        "How a line of the log looks: text for people, or a JSON object. Under journald a text line has its priority and no time."
    )
    /// The socket that metrics are read from.
    public static let metricsSocket = Setting(
        "metrics.socket", "metrics-socket", .pathOrOff,
        """
        Path of a socket, for the daemon's user alone, that answers HTTP with metrics. Default: beside the daemon's socket, \
        msgexportd-metrics.sock beside msgexportd.sock.
        """)
    /// Where metrics are read from by TCP.
    public static let metricsListen = Setting(
        "metrics.listen", "metrics-listen", .loopback, standard: "off",
        "Address of this machine alone that metrics are served at by HTTP, such as 127.0.0.1:9464. Every local user can read them there."
    )
    /// Whether metrics name sandboxes.
    public static let metricsSandboxes = Setting(
        "metrics.sandboxes", "metrics-sandboxes", .flag, standard: "false", isReloadable: true,
        "Whether metrics are told for each sandbox by its name, or only for all of them together.")

    /// Each one there is, in the order of the file.
    public static let all = [
        data, masterKey, socket, socketMode, socketGroup, sandboxSockets, alertCommand, rclone, gpg, deliveryTimeout, logLevel,
        logFormat, metricsSocket, metricsListen, metricsSandboxes,
    ]
}
