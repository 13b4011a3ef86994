import CMessages
package import Model

/// What `CreateDataflow` asks. Its fields are those of the `.proto`.
package struct CreateDataflowRequest: Hashable, WireMessage {
    package var sandbox: String
    package var name: String
    /// Name of a destination of the sandbox.
    package var destination: String
    package var format: Format
    /// Nil: the format's default.
    package var compression: Compression?
    package var includeRaw: Bool

    package init(
        sandbox: String, name: String, destination: String, format: Format, compression: Compression?, includeRaw: Bool
    ) {
        self.sandbox = sandbox
        self.name = name
        self.destination = destination
        self.format = format
        self.compression = compression
        self.includeRaw = includeRaw
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__create_dataflow_request__unpack) { (wire) throws(Status) in
            CreateDataflowRequest(
                sandbox: try wire.sandbox.text("sandbox"), name: try wire.name.text("name"),
                destination: try wire.destination.text("destination"), format: try known(wire.format, "format", \.wire),
                compression: wire.compression == MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED
                    ? nil : try known(wire.compression, "compression", \.wire), includeRaw: wire.include_raw != 0)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__create_dataflow_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.name = draft.text(name)
            wire.destination = draft.text(destination)
            wire.format = format.wire
            wire.compression = compression?.wire ?? MESSAGEEXPORT__V1__COMPRESSION__COMPRESSION_UNSPECIFIED
            wire.include_raw = includeRaw ? 1 : 0
        }
    }
}

/// What `ListDataflows` answers. Its fields are those of the `.proto`.
package struct DataflowList: Hashable, WireMessage {
    package var dataflows: [Dataflow]

    package init(dataflows: [Dataflow]) {
        self.dataflows = dataflows
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataflow_list__unpack) { (wire) throws(Status) in
            DataflowList(
                dataflows: try map(wire.n_dataflows, wire.dataflows) { (_, dataflow) throws(Status) in try Dataflow(dataflow) })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataflow_list__init) { draft, wire in
            (wire.n_dataflows, wire.dataflows) = draft.list(dataflows, messageexport__v1__dataflow__init) {
                draft, wire, dataflow in draft.fill(&wire, dataflow)
            }
        }
    }
}

extension Dataflow: WireMessage {
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__dataflow__unpack) { (wire) throws(Status) in try Dataflow(wire) }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__dataflow__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Messageexport__V1__Dataflow) throws(Status) {
        self.init(
            id: try wire.id.text("id"), name: try wire.name.text("name"), destination: try wire.destination.text("destination"),
            format: try known(wire.format, "format", \.wire), compression: try known(wire.compression, "compression", \.wire),
            includeRaw: wire.include_raw != 0, cursor: wire.cursor, createdAt: Instant(milliseconds: wire.created_at_ms))
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Messageexport__V1__Dataflow, _ dataflow: Dataflow) {
        wire.id = text(dataflow.id)
        wire.name = text(dataflow.name)
        wire.destination = text(dataflow.destination)
        wire.format = dataflow.format.wire
        wire.compression = dataflow.compression.wire
        wire.include_raw = dataflow.includeRaw ? 1 : 0
        wire.cursor = dataflow.cursor
        wire.created_at_ms = dataflow.createdAt.milliseconds
    }
}
