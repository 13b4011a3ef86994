import CMessages
import Model

// One table for each enumeration: a value of the wire that is not in it is not known here.

extension Channel {
    var wire: Messageexport__V1__Channel {
        switch self {
        case .email: MESSAGEEXPORT__V1__CHANNEL__CHANNEL_EMAIL
        case .sms: MESSAGEEXPORT__V1__CHANNEL__CHANNEL_SMS
        }
    }
}

extension DeliveryState {
    /// Nil when the sender does not say.
    init?(_ wire: Messageexport__V1__DeliveryState) throws(Status) {
        guard wire != MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_UNSPECIFIED else { return nil }
        self = try known(wire, "delivery_state", \.wire)
    }

    var wire: Messageexport__V1__DeliveryState {
        switch self {
        case .sent: MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_SENT
        case .delay: MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_DELAY
        case .bounce: MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_BOUNCE
        case .outOfBand: MESSAGEEXPORT__V1__DELIVERY_STATE__DELIVERY_STATE_OUT_OF_BAND
        }
    }
}

extension RecordView {
    var wire: Messageexport__V1__RecordView {
        switch self {
        case .row: MESSAGEEXPORT__V1__RECORD_VIEW__RECORD_VIEW_ROW
        case .full: MESSAGEEXPORT__V1__RECORD_VIEW__RECORD_VIEW_FULL
        case .raw: MESSAGEEXPORT__V1__RECORD_VIEW__RECORD_VIEW_RAW
        }
    }
}

extension ChannelConfiguration.State {
    var wire: Messageexport__V1__ConfigurationState {
        switch self {
        case .draft: MESSAGEEXPORT__V1__CONFIGURATION_STATE__CONFIGURATION_STATE_DRAFT
        case .processing: MESSAGEEXPORT__V1__CONFIGURATION_STATE__CONFIGURATION_STATE_PROCESSING
        case .active: MESSAGEEXPORT__V1__CONFIGURATION_STATE__CONFIGURATION_STATE_ACTIVE
        case .failed: MESSAGEEXPORT__V1__CONFIGURATION_STATE__CONFIGURATION_STATE_FAILED
        case .deactivated: MESSAGEEXPORT__V1__CONFIGURATION_STATE__CONFIGURATION_STATE_DEACTIVATED
        }
    }
}

extension Format {
    var wire: Messageexport__V1__Format {
        switch self {
        case .json: MESSAGEEXPORT__V1__FORMAT__FORMAT_JSON
        case .parquet: MESSAGEEXPORT__V1__FORMAT__FORMAT_PARQUET
        }
    }
}

extension Compression {
    var wire: Messageexport__V1__Compression {
        switch self {
        case .none: MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_NONE
        case .gzip: MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_GZIP
        case .snappy: MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_SNAPPY
        case .zstd: MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_ZSTD
        }
    }
}

extension Status.Reason {
    var wire: Messageexport__V1__Reason {
        switch self {
        case .missing: MESSAGEEXPORT__V1__REASON__REASON_MISSING
        case .malformed: MESSAGEEXPORT__V1__REASON__REASON_MALFORMED
        case .overLimit: MESSAGEEXPORT__V1__REASON__REASON_OVER_LIMIT
        case .unknown: MESSAGEEXPORT__V1__REASON__REASON_UNKNOWN
        case .conflict: MESSAGEEXPORT__V1__REASON__REASON_CONFLICT
        case .state: MESSAGEEXPORT__V1__REASON__REASON_STATE
        case .temporary: MESSAGEEXPORT__V1__REASON__REASON_TEMPORARY
        }
    }
}

extension ExportMode {
    var wire: Messageexport__V1__ExportMode {
        switch self {
        case .incremental: MESSAGEEXPORT__V1__EXPORT_MODE__EXPORT_MODE_INCREMENTAL
        case .full: MESSAGEEXPORT__V1__EXPORT_MODE__EXPORT_MODE_FULL
        }
    }
}

extension Run.Trigger {
    var wire: Messageexport__V1__RunTrigger {
        switch self {
        case .scheduled: MESSAGEEXPORT__V1__RUN_TRIGGER__RUN_TRIGGER_SCHEDULED
        case .onDemand: MESSAGEEXPORT__V1__RUN_TRIGGER__RUN_TRIGGER_ON_DEMAND
        case .window: MESSAGEEXPORT__V1__RUN_TRIGGER__RUN_TRIGGER_WINDOW
        }
    }
}

extension Alert.Kind {
    var wire: Messageexport__V1__AlertKind {
        switch self {
        case .runStarted: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_RUN_STARTED
        case .runSucceeded: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_RUN_SUCCEEDED
        case .runFailed: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_RUN_FAILED
        case .runDelayed: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_RUN_DELAYED
        case .atRisk: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_AT_RISK
        case .expiredUnexported: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_EXPIRED_UNEXPORTED
        case .endsSoon: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_ENDS_SOON
        case .signInEnds: MESSAGEEXPORT__V1__ALERT_KIND__ALERT_KIND_SIGN_IN_ENDS
        }
    }
}

extension Run.State {
    var wire: Messageexport__V1__RunState {
        switch self {
        case .processing: MESSAGEEXPORT__V1__RUN_STATE__RUN_STATE_PROCESSING
        case .success: MESSAGEEXPORT__V1__RUN_STATE__RUN_STATE_SUCCESS
        case .failed: MESSAGEEXPORT__V1__RUN_STATE__RUN_STATE_FAILED
        case .cancelled: MESSAGEEXPORT__V1__RUN_STATE__RUN_STATE_CANCELLED
        }
    }
}

extension ConfigurationSettings.Purpose {
    var wire: Messageexport__V1__Purpose {
        switch self {
        case .marketing: MESSAGEEXPORT__V1__PURPOSE__PURPOSE_MARKETING
        case .transactional: MESSAGEEXPORT__V1__PURPOSE__PURPOSE_TRANSACTIONAL
        }
    }
}

extension Role {
    var wire: Messageexport__V1__Role {
        switch self {
        case .sender: MESSAGEEXPORT__V1__ROLE__ROLE_SENDER
        case .viewer: MESSAGEEXPORT__V1__ROLE__ROLE_VIEWER
        case .operator: MESSAGEEXPORT__V1__ROLE__ROLE_OPERATOR
        case .auditor: MESSAGEEXPORT__V1__ROLE__ROLE_AUDITOR
        case .administrator: MESSAGEEXPORT__V1__ROLE__ROLE_ADMINISTRATOR
        }
    }
}

extension Sandbox.Kind {
    var wire: Messageexport__V1__SandboxType {
        switch self {
        case .production: MESSAGEEXPORT__V1__SANDBOX_TYPE__SANDBOX_TYPE_PRODUCTION
        case .development: MESSAGEEXPORT__V1__SANDBOX_TYPE__SANDBOX_TYPE_DEVELOPMENT
        }
    }
}

extension Sandbox.State {
    var wire: Messageexport__V1__SandboxState {
        switch self {
        case .creating: MESSAGEEXPORT__V1__SANDBOX_STATE__SANDBOX_STATE_CREATING
        case .active: MESSAGEEXPORT__V1__SANDBOX_STATE__SANDBOX_STATE_ACTIVE
        case .failed: MESSAGEEXPORT__V1__SANDBOX_STATE__SANDBOX_STATE_FAILED
        case .deleted: MESSAGEEXPORT__V1__SANDBOX_STATE__SANDBOX_STATE_DELETED
        }
    }
}

/// The value of an enumeration field, by its table.
/// - Throws: `invalidArgument` naming `field` when the number is not one of those.
func known<Value: CaseIterable, Wire: RawRepresentable>(
    _ wire: Wire, _ field: String, _ table: (Value) -> Wire
) throws(Status) -> Value where Wire.RawValue: Equatable {
    guard let value = Value.allCases.first(where: { table($0).rawValue == wire.rawValue }) else {
        throw Status(
            .invalidArgument, "unknown value \(wire.rawValue)", field: field, hint: "see its enum in the .proto files",
            reason: .unknown)
    }
    return value
}
