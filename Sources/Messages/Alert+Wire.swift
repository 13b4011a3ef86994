import CMessages
package import Model

/// What `ListAlerts` asks. Its fields are those of the `.proto`.
package struct ListAlertsRequest: Hashable, WireMessage {
    package var sandbox: String
    package var openOnly: Bool
    /// 0: the default.
    package var limit: UInt32

    package init(sandbox: String, openOnly: Bool, limit: UInt32) {
        self.sandbox = sandbox
        self.openOnly = openOnly
        self.limit = limit
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__list_alerts_request__unpack) { (wire) throws(Status) in
            ListAlertsRequest(sandbox: try wire.sandbox.text("sandbox"), openOnly: wire.open_only != 0, limit: wire.limit)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__list_alerts_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.open_only = openOnly ? 1 : 0
            wire.limit = limit
        }
    }
}

/// What `ListAlerts` answers. Its fields are those of the `.proto`.
package struct AlertList: Hashable, WireMessage {
    package var alerts: [Alert]

    package init(alerts: [Alert]) {
        self.alerts = alerts
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__alert_list__unpack) { (wire) throws(Status) in
            AlertList(
                alerts: try map(wire.n_alerts, wire.alerts) { (_, alert) throws(Status) in
                    Alert(
                        kind: try known(alert.kind, "kind", \.wire), dataflow: try alert.dataflow.text("dataflow"),
                        run: try alert.run_id.textIfAny("run_id"), time: Instant(milliseconds: alert.time_ms),
                        detail: try alert.detail.text("detail"))
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__alert_list__init) { draft, wire in
            (wire.n_alerts, wire.alerts) = draft.list(alerts, messageexport__v1__alert__init) { draft, wire, alert in
                wire.kind = alert.kind.wire
                wire.dataflow = draft.text(alert.dataflow)
                wire.run_id = draft.text(alert.run ?? "")
                wire.time_ms = alert.time.milliseconds
                wire.detail = draft.text(alert.detail)
            }
        }
    }
}
