import CMessages
package import Model

/// What a client sends on an `IngestStream`. The daemon reads the same bytes as `CheckedStreamIngest`. Its fields are those of the
/// `.proto`.
package struct IngestStreamRequest: Hashable, Sendable {
    package var sandbox: String
    package var tag: UInt64
    package var message: Message

    package init(sandbox: String, tag: UInt64, message: Message) {
        self.sandbox = sandbox
        self.tag = tag
        self.message = message
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_stream_request__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.tag = tag
            wire.message = draft.make(messageexport__v1__message__init) { draft, wire in draft.fill(&wire, message) }
        }
    }
}

/// A message of an `IngestStream` as the daemon takes it: checked, or what is wrong with it. Its fields are those of the `.proto`.
package struct CheckedStreamIngest: Sendable {
    package let sandbox: String
    package let tag: UInt64
    package let message: Result<CheckedMessage, Status>

    /// - Throws: as `WireMessage.init(packed:)`, when there is no tag to answer with.
    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_stream_request__unpack) { (wire) throws(Status) in
            CheckedStreamIngest(
                sandbox: try wire.sandbox.text("sandbox"), tag: wire.tag,
                message: wire.message.map { message in checked(message).mapError { $0.within("message") } }
                    ?? .failure(Status(.invalidArgument, "there is no message", field: "message", reason: .missing)))
        }
    }

    private init(sandbox: String, tag: UInt64, message: Result<CheckedMessage, Status>) {
        self.sandbox = sandbox
        self.tag = tag
        self.message = message
    }
}

/// A message, checked, or what is wrong with it.
func checked(_ message: UnsafePointer<Messageexport__V1__Message>) -> Result<CheckedMessage, Status> {
    do throws(Status) { return .success(try CheckedMessage(message)) } catch { return .failure(error) }
}

extension CheckedMessage {
    /// Checks a packed message.
    /// - Throws: as `WireMessage.init(packed:)`.
    package init(packed: [UInt8]) throws(Status) {
        self = try unpackInPlace(packed, messageexport__v1__message__unpack) { (message) throws(Status) in
            try CheckedMessage(message)
        }
    }
}

/// What the daemon answers on an `IngestStream`. Its fields are those of the `.proto`.
package struct IngestStreamResponse: Hashable, WireMessage {
    package var results: [TaggedResult]

    /// What became of the message with a tag. Its fields are those of the `.proto`.
    package struct TaggedResult: Hashable, Sendable {
        package var tag: UInt64
        package var result: Result<IngestResult, Status>

        package init(tag: UInt64, result: Result<IngestResult, Status>) {
            self.tag = tag
            self.result = result
        }
    }

    package init(results: [TaggedResult]) {
        self.results = results
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_stream_response__unpack) { (wire) throws(Status) in
            IngestStreamResponse(
                results: try map(wire.n_results, wire.results) { (index, tagged) throws(Status) in
                    guard let result = tagged.result else {
                        throw Status(.internal, "the daemon answered without a result", field: "results[\(index)].result")
                    }
                    return TaggedResult(tag: tagged.tag, result: try ingestAnswer(result.pointee))
                })
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_stream_response__init) { draft, wire in
            (wire.n_results, wire.results) = draft.list(results, messageexport__v1__tagged_result__init) { draft, wire, tagged in
                wire.tag = tagged.tag
                wire.result = draft.make(messageexport__v1__ingest_result__init) { draft, wire in
                    draft.fill(&wire, tagged.result)
                }
            }
        }
    }
}

/// A piece of a message that does not fit a frame. Its fields are those of the `.proto`.
package struct IngestChunk: Hashable, WireMessage {
    package var sandbox: String
    package var messageBytes: UInt64
    package var content: [UInt8]
    package var spoolKey: [UInt8]

    package init(sandbox: String = "", messageBytes: UInt64 = 0, content: [UInt8], spoolKey: [UInt8] = []) {
        self.sandbox = sandbox
        self.messageBytes = messageBytes
        self.content = content
        self.spoolKey = spoolKey
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, messageexport__v1__ingest_chunk__unpack) { (wire) throws(Status) in
            IngestChunk(
                sandbox: try wire.sandbox.text("sandbox"), messageBytes: wire.message_bytes, content: wire.content.array,
                spoolKey: wire.spool_key.array)
        }
    }

    package var packed: [UInt8] {
        pack(messageexport__v1__ingest_chunk__init) { draft, wire in
            wire.sandbox = draft.text(sandbox)
            wire.message_bytes = messageBytes
            wire.content = draft.bytes(content)
            wire.spool_key = draft.bytes(spoolKey)
        }
    }
}
