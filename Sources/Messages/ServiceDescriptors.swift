import CMessages
import CProtobufC

/// What the `.proto` files say of a method.
package struct MethodDescription: Hashable, Sendable {
    /// Its names on the wire.
    package let name: MethodName
    /// Full name of its request's message, such as `messageexport.v1.IngestRequest`.
    package let input: String
    /// Full name of its answer's message.
    package let output: String
    /// Whether the caller sends any number of messages, rather than one.
    package let clientStreams: Bool
    /// Whether any number of messages is answered, rather than one.
    package let serverStreams: Bool
    /// Whether the same call again does no harm.
    package let isRepeatable: Bool
    /// Whether a call changes nothing.
    package let isReadOnly: Bool

    package init(
        name: MethodName, input: String = "", output: String = "", clientStreams: Bool = false, serverStreams: Bool = false,
        isRepeatable: Bool = false, isReadOnly: Bool = false
    ) {
        self.name = name
        self.input = input
        self.output = output
        self.clientStreams = clientStreams
        self.serverStreams = serverStreams
        self.isRepeatable = isRepeatable
        self.isReadOnly = isReadOnly
    }
}

/// What the `.proto` files define, read from the descriptor set that is built in: libprotobuf-c's own descriptors do not tell which
/// methods stream.
package struct ServiceDescriptors: Sendable {
    /// A `.proto` file.
    package struct File: Hashable, Sendable {
        /// Such as `messageexport/v1/ingestion.proto`.
        package let name: String
        /// Names of the files it imports.
        package let imports: [String]
        /// A packed `google.protobuf.FileDescriptorProto`.
        package let packed: [UInt8]
    }

    /// All that the program is built with.
    package static let builtIn = ServiceDescriptors()

    /// Every method, by its name.
    package private(set) var methods: [MethodName: MethodDescription] = [:]
    /// Every file, each behind those it imports.
    package private(set) var files: [File] = []
    /// The file that defines a service, method, message or enum, by its full name.
    package private(set) var fileOfSymbol: [String: String] = [:]

    /// Names of the services, in order.
    package var services: [String] { Set(methods.keys.map(\.service)).sorted() }

    private init() {
        guard let set = google__protobuf__file_descriptor_set__unpack(nil, file_descriptor_set_size, file_descriptor_set_start())
        else {
            preconditionFailure("the descriptor set that is built in is none")
        }
        defer { google__protobuf__file_descriptor_set__free_unpacked(set, nil) }
        for index in 0..<set.pointee.n_file {
            if let file = set.pointee.file[index] { add(file) }
        }
    }

    private mutating func add(_ file: UnsafeMutablePointer<Google__Protobuf__FileDescriptorProto>) {
        let wire = file.pointee
        let name = String(cString: wire.name)
        let package = String(cString: wire.package)
        files.append(
            File(
                name: name, imports: (0..<wire.n_dependency).compactMap { wire.dependency[$0].map { String(cString: $0) } },
                packed: pack(UnsafePointer(file))))
        for index in 0..<wire.n_message_type {
            if let message = wire.message_type[index]?.pointee {
                fileOfSymbol["\(package).\(String(cString: message.name))"] = name
            }
        }
        for index in 0..<wire.n_enum_type {
            if let type = wire.enum_type[index]?.pointee { fileOfSymbol["\(package).\(String(cString: type.name))"] = name }
        }
        for method in MethodDescription.all(of: wire) {
            methods[method.name] = method
            fileOfSymbol[method.name.service] = name
            fileOfSymbol["\(method.name.service).\(method.name.method)"] = name
        }
    }

    /// The file of that name and all that it imports, each behind those it imports itself; empty: there is none.
    package func closure(of name: String) -> [File] {
        var wanted: Set<String> = [name]
        return files.reversed().filter { file in
            guard wanted.contains(file.name) else { return false }
            wanted.formUnion(file.imports)
            return true
        }.reversed()
    }
}

extension MethodDescription {
    /// The methods of all services of a file.
    static func all(of file: Google__Protobuf__FileDescriptorProto) -> [MethodDescription] {
        let package = file.package.map { String(cString: $0) } ?? ""
        return (0..<file.n_service).compactMap { file.service[$0]?.pointee }.flatMap { service in
            (0..<service.n_method).compactMap { service.method[$0]?.pointee }.map {
                MethodDescription($0, of: "\(package).\(String(cString: service.name))")
            }
        }
    }

    fileprivate init(_ wire: Google__Protobuf__MethodDescriptorProto, of service: String) {
        let level = wire.options.flatMap { $0.pointee.has_idempotency_level != 0 ? $0.pointee.idempotency_level : nil }
        // Names of types come with a leading dot.
        self.init(
            name: MethodName(service: service, method: String(cString: wire.name)),
            input: String(String(cString: wire.input_type).dropFirst()),
            output: String(String(cString: wire.output_type).dropFirst()), clientStreams: wire.client_streaming != 0,
            serverStreams: wire.server_streaming != 0,
            isRepeatable: level == GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS
                || level == GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENT,
            isReadOnly: level == GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS)
    }
}
