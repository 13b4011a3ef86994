import CMessages
package import Model

/// What a Request frame carries. Its fields are those of the `.proto`.
package struct RequestEnvelope: Hashable, WireMessage {
    package var service: String
    package var method: String
    package var payload: [UInt8]
    /// Nanoseconds the caller waits; 0: for ever; negative: not at all.
    package var timeout: Int64
    /// Keys lowercased, values of one key in order.
    package var metadata: [Metadata]

    /// A piece of metadata that came with a call.
    package struct Metadata: Hashable, Sendable {
        package var key: String
        package var value: String

        package init(key: String, value: String) {
            self.key = key
            self.value = value
        }
    }

    package init(service: String, method: String, payload: [UInt8], timeout: Int64 = 0, metadata: [Metadata] = []) {
        self.service = service
        self.method = method
        self.payload = payload
        self.timeout = timeout
        self.metadata = metadata
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, ttrpc__request__unpack) { (request) throws(Status) in
            RequestEnvelope(
                service: try request.service.text("service"), method: try request.method.text("method"),
                payload: request.payload.array, timeout: request.timeout_nano,
                metadata: try map(request.n_metadata, request.metadata) { (index, pair) throws(Status) in
                    Metadata(
                        key: try pair.key.text("metadata[\(index)].key").lowercased(),
                        value: try pair.value.text("metadata[\(index)].value"))
                })
        }
    }

    package var packed: [UInt8] {
        pack(ttrpc__request__init) { draft, request in
            request.service = draft.text(service)
            request.method = draft.text(method)
            request.payload = draft.bytes(payload)
            request.timeout_nano = timeout
            (request.n_metadata, request.metadata) = draft.list(metadata, ttrpc__key_value__init) { draft, pair, entry in
                pair.key = draft.text(entry.key)
                pair.value = draft.text(entry.value)
            }
        }
    }
}

/// What a Response frame carries: a result or a status.
package enum ResponseEnvelope: Hashable, WireMessage {
    case success([UInt8])
    case failure(Status)

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, ttrpc__response__unpack) { (response) throws(Status) in
            // OK may be absent or explicit.
            guard let status = response.status?.pointee, status.code != 0 else { return .success(response.payload.array) }
            return .failure(try Status(status))
        }
    }

    package var packed: [UInt8] {
        pack(ttrpc__response__init) { draft, response in
            switch self {
            case .success(let payload): response.payload = draft.bytes(payload)
            case .failure(let status): response.status = draft.status(status)
            }
        }
    }
}

private let errorDetailURL = "type.googleapis.com/messageexport.v1.ErrorDetail"

extension Status {
    init(_ wire: Google__Rpc__Status) throws(Status) {
        self.init(Code(rawValue: wire.code) ?? .unknown, try wire.message.text("status.message"))
        reason = nil
        for index in 0..<wire.n_details {
            guard let detail = wire.details[index]?.pointee, String(cString: detail.type_url) == errorDetailURL else { continue }
            let read = try unpack(detail.value.array, messageexport__v1__error_detail__unpack) { (detail) throws(Status) in
                (
                    field: try detail.field.textIfAny("field"), hint: try detail.hint.textIfAny("hint"), reason: detail.reason,
                    limit: detail.limit
                )
            }
            (field, hint) = (read.field, read.hint)
            limit = read.limit == 0 ? nil : read.limit
            // One that is newer than this program says nothing to it.
            reason = Reason.allCases.first { $0.wire == read.reason }
        }
    }
}

extension Draft {
    func status(_ status: Status) -> UnsafeMutablePointer<Google__Rpc__Status> {
        make(google__rpc__status__init) { draft, wire in
            wire.code = status.code.rawValue
            wire.message = draft.text(status.message)
            guard status.field != nil || status.hint != nil || status.reason != nil || status.limit != nil else { return }
            let detail = pack(messageexport__v1__error_detail__init) { draft, detail in
                detail.field = draft.text(status.field ?? "")
                detail.hint = draft.text(status.hint ?? "")
                if let reason = status.reason { detail.reason = reason.wire }
                detail.limit = status.limit ?? 0
            }
            (wire.n_details, wire.details) = draft.list([detail], google__protobuf__any__init) { draft, any, detail in
                any.type_url = draft.cString(errorDetailURL)
                any.value = draft.bytes(detail)
            }
        }
    }
}
