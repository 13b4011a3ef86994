import ArgumentParser
import Settings

/// An option for each setting that only serving needs; what they may be is checked with the settings of the other places.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp(.init(Setting.socket.help), valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp(.init(Setting.socketMode.help), valueName: "mode"))
    var socketMode: String?

    @Option(help: ArgumentHelp(.init(Setting.socketGroup.help), valueName: "group"))
    var socketGroup: String?

    @Option(help: ArgumentHelp(.init(Setting.sandboxSockets.help), valueName: "name=path"))
    var sandboxSocket: [String] = []

    @Option(help: ArgumentHelp(.init(Setting.alertCommand.help), valueName: "path"))
    var alertCommand: String?

    @Option(help: ArgumentHelp(.init(Setting.rclone.help), valueName: "path"))
    var rclone: String?

    @Option(help: ArgumentHelp(.init(Setting.gpg.help), valueName: "path"))
    var gpg: String?

    @Option(help: ArgumentHelp(.init(Setting.deliveryTimeout.help), valueName: "seconds"))
    var deliveryTimeout: String?

    @Option(help: ArgumentHelp(.init(Setting.logLevel.help), valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp(.init(Setting.logFormat.help), valueName: "format"))
    var logFormat: String?

    @Option(help: ArgumentHelp(.init(Setting.metricsSocket.help), valueName: "path"))
    var metricsSocket: String?

    @Option(help: ArgumentHelp(.init(Setting.metricsListen.help), valueName: "address"))
    var metricsListen: String?

    @Option(help: ArgumentHelp(.init(Setting.metricsSandboxes.help), valueName: "true|false"))
    var metricsSandboxes: String?

    /// What they say, by setting.
    var told: [Setting: String] {
        var told: [Setting: String] = [:]
        told[.socket] = socket.map(path)
        told[.socketMode] = socketMode
        told[.socketGroup] = socketGroup
        told[.sandboxSockets] = sandboxSocket.isEmpty ? nil : sandboxSocket.map(rooted).joined(separator: "\n")
        told[.alertCommand] = alertCommand.map(path)
        told[.rclone] = rclone.map(path)
        told[.gpg] = gpg.map(path)
        told[.deliveryTimeout] = deliveryTimeout
        told[.logLevel] = logLevel
        told[.logFormat] = logFormat
        told[.metricsSocket] = metricsSocket.map { $0 == "off" ? $0 : path($0) }
        told[.metricsListen] = metricsListen
        told[.metricsSandboxes] = metricsSandboxes
        return told
    }

    private func rooted(_ socket: String) -> String {
        let parts = socket.split(separator: "=", maxSplits: 1).map(String.init)
        return parts.count == 2 ? "\(parts[0])=\(path(parts[1]))" : socket
    }
}
