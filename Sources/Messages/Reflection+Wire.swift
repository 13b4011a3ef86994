import CMessages
package import Model

/// What a caller of the reflection service asks. Its fields are those of the `.proto`.
package struct ReflectionRequest: Hashable, WireMessage {
    package var host: String
    /// Nil: nothing that is known here.
    package var question: Question?

    /// What may be asked, as the `.proto` has it.
    package enum Question: Hashable, Sendable {
        case file(named: String)
        case fileContaining(symbol: String)
        case fileContainingExtension(of: String, number: Int32)
        case extensionNumbers(of: String)
        case services(String)
    }

    package init(host: String = "", question: Question?) {
        self.host = host
        self.question = question
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, grpc__reflection__v1__server_reflection_request__unpack) { (wire) throws(Status) in
            try ReflectionRequest(wire)
        }
    }

    package var packed: [UInt8] {
        pack(grpc__reflection__v1__server_reflection_request__init) { draft, wire in draft.fill(&wire, self) }
    }

    fileprivate init(_ wire: Grpc__Reflection__V1__ServerReflectionRequest) throws(Status) {
        host = try wire.host.text("host")
        switch wire.message_request_case {
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
            question = .file(named: try wire.file_by_filename.text("file_by_filename"))
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
            question = .fileContaining(symbol: try wire.file_containing_symbol.text("file_containing_symbol"))
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
            guard let asked = wire.file_containing_extension?.pointee else { throw missing }
            question = .fileContainingExtension(
                of: try asked.containing_type.text("file_containing_extension.containing_type"), number: asked.extension_number)
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
            question = .extensionNumbers(of: try wire.all_extension_numbers_of_type.text("all_extension_numbers_of_type"))
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
            question = .services(try wire.list_services.text("list_services"))
        default:
            question = nil
        }
    }
}

/// What the reflection service answers. Its fields are those of the `.proto`.
package struct ReflectionResponse: Hashable, WireMessage {
    /// What was asked.
    package var request: ReflectionRequest
    package var answer: Answer

    /// What may be answered, as the `.proto` has it.
    package enum Answer: Hashable, Sendable {
        /// Packed `google.protobuf.FileDescriptorProto`.
        case files([[UInt8]])
        case services([String])
        /// Only its code and message travel.
        case error(Status)
    }

    package init(request: ReflectionRequest, answer: Answer) {
        self.request = request
        self.answer = answer
    }

    package init(packed: [UInt8]) throws(Status) {
        self = try unpack(packed, grpc__reflection__v1__server_reflection_response__unpack) { (wire) throws(Status) in
            ReflectionResponse(
                request: try wire.original_request.map { (request) throws(Status) in try ReflectionRequest(request.pointee) }
                    ?? ReflectionRequest(question: nil), answer: try Answer(wire))
        }
    }

    package var packed: [UInt8] {
        pack(grpc__reflection__v1__server_reflection_response__init) { draft, wire in
            wire.valid_host = draft.text(request.host)
            wire.original_request = draft.make(grpc__reflection__v1__server_reflection_request__init) { draft, wire in
                draft.fill(&wire, request)
            }
            draft.fill(&wire, answer)
        }
    }
}

extension ReflectionResponse.Answer {
    fileprivate init(_ wire: Grpc__Reflection__V1__ServerReflectionResponse) throws(Status) {
        switch wire.message_response_case {
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE:
            guard let files = wire.file_descriptor_response?.pointee else { throw missing }
            self = .files((0..<files.n_file_descriptor_proto).map { files.file_descriptor_proto[$0].array })
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE:
            guard let list = wire.list_services_response?.pointee else { throw missing }
            self = .services(
                try map(list.n_service, list.service) { (index, service) throws(Status) in
                    try service.name.text("service[\(index)].name")
                })
        case GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE:
            guard let error = wire.error_response?.pointee else { throw missing }
            self = .error(
                Status(Status.Code(rawValue: error.error_code) ?? .unknown, try error.error_message.text("error_message")))
        default:
            throw Status(.unimplemented, "the reflection service answered with what this program does not know")
        }
    }
}

extension Draft {
    fileprivate func fill(_ wire: inout Grpc__Reflection__V1__ServerReflectionRequest, _ request: ReflectionRequest) {
        wire.host = text(request.host)
        switch request.question {
        case .file(let name):
            wire.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME
            wire.file_by_filename = text(name)
        case .fileContaining(let symbol):
            wire.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL
            wire.file_containing_symbol = text(symbol)
        case .fileContainingExtension(let type, let number):
            wire.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION
            wire.file_containing_extension = make(grpc__reflection__v1__extension_request__init) { draft, wire in
                wire.containing_type = draft.text(type)
                wire.extension_number = number
            }
        case .extensionNumbers(let type):
            wire.message_request_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE
            wire.all_extension_numbers_of_type = text(type)
        case .services(let content):
            wire.message_request_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES
            wire.list_services = text(content)
        case nil: break
        }
    }

    fileprivate func fill(_ wire: inout Grpc__Reflection__V1__ServerReflectionResponse, _ answer: ReflectionResponse.Answer) {
        switch answer {
        case .files(let files):
            wire.message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE
            wire.file_descriptor_response = make(grpc__reflection__v1__file_descriptor_response__init) { draft, wire in
                (wire.n_file_descriptor_proto, wire.file_descriptor_proto) = draft.array(files) { draft, file in draft.bytes(file)
                }
            }
        case .services(let names):
            wire.message_response_case =
                GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE
            wire.list_services_response = make(grpc__reflection__v1__list_service_response__init) { draft, wire in
                (wire.n_service, wire.service) = draft.list(names, grpc__reflection__v1__service_response__init) {
                    draft, wire, name in wire.name = draft.text(name)
                }
            }
        case .error(let status):
            wire.message_response_case = GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE
            wire.error_response = make(grpc__reflection__v1__error_response__init) { draft, wire in
                wire.error_code = status.code.rawValue
                wire.error_message = draft.text(status.message)
            }
        }
    }
}
