/// Where the files of a run go, below the destination's own folder: names with macros such as `%DATASET_ID%`.
public struct FolderTemplate: Hashable, Sendable {
    /// What macros stand for in one run.
    public struct Values: Hashable, Sendable {
        /// Name of the dataset.
        public var dataset: String
        /// Type of the destination.
        public var destinationType: String
        /// Name of the destination.
        public var destinationName: String
        /// Id of the destination.
        public var destinationID: String
        /// Name of the sandbox.
        public var sandbox: String
        /// Name of the organization.
        public var organization: String
        /// When the run began.
        public var time: Instant

        public init(
            dataset: String, destinationType: String, destinationName: String, destinationID: String, sandbox: String,
            organization: String, time: Instant
        ) {
            self.dataset = dataset
            self.destinationType = destinationType
            self.destinationName = destinationName
            self.destinationID = destinationID
            self.sandbox = sandbox
            self.organization = organization
            self.time = time
        }
    }

    /// As it was given.
    public let text: String

    /// Where nothing else is asked for: a folder for each run.
    public static let standard = FolderTemplate(checked: "%DATASET_ID%/%EXPORT_TIME%")

    private init(checked text: String) {
        self.text = text
    }

    /// - Throws: `invalidArgument` naming `folder_template`: an absolute path, `.` or `..`, an empty name, a control character, a macro that is not
    ///   known.
    public init(_ text: String) throws(Status) {
        func wrong(_ message: String, _ reason: Status.Reason = .malformed) -> Status {
            Status(
                .invalidArgument, message, field: "folder_template",
                hint: "names and macros between slashes, such as \(FolderTemplate.standard.text)", reason: reason)
        }
        guard text.utf8.count <= Limits.folderTemplateBytes else {
            throw wrong("a folder template has at most \(Limits.folderTemplateBytes) bytes", .overLimit)
        }
        // Alone, a slash is the destination's own folder.
        if text == "/" {
            self.init(checked: text)
            return
        }
        guard !text.hasPrefix("/") else {
            throw wrong("a folder template is below the destination's folder, and has no slash before it")
        }
        for name in text.split(separator: "/", omittingEmptySubsequences: false) {
            guard !name.isEmpty else { throw wrong("a name in the folder template is empty") }
            guard name.utf8.count <= Limits.folderNameBytes else {
                throw wrong("the name of a folder has at most \(Limits.folderNameBytes) bytes", .overLimit)
            }
            guard name != ".", name != ".." else { throw wrong("'\(name)' is no name of a folder") }
            guard !name.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F || $0 == "\\" }) else {
                throw wrong("control characters and backslashes are not allowed in folders")
            }
        }
        for (macro, isClosed) in FolderTemplate.macros(in: text) {
            guard isClosed else { throw wrong("a % begins a macro, and ends it: one is missing") }
            guard FolderTemplate.names.contains(macro) else {
                throw wrong("there is no macro %\(macro)%; there are: \(FolderTemplate.names.joined(separator: ", "))", .unknown)
            }
        }
        self.init(checked: text)
    }

    /// The macros that there are.
    public static let names = [
        "DATASET_ID", "DESTINATION", "DATETIME", "EXPORT_TIME", "DESTINATION_INSTANCE_NAME", "DESTINATION_INSTANCE_ID",
        "SANDBOX_NAME", "ORGANIZATION_NAME",
    ]

    /// The folder of a run; empty: the destination's own.
    public func folder(_ values: Values) -> String {
        guard text != "/" else { return "" }
        let digits = values.time.description.filter(\.isNumber)
        let stands = [
            "DATASET_ID": values.dataset, "DESTINATION": values.destinationType,
            "DATETIME": "\(digits.prefix(8))_\(digits.dropFirst(8).prefix(6))",
            "EXPORT_TIME": "exportTime=\(digits.prefix(12))",
            "DESTINATION_INSTANCE_NAME": values.destinationName, "DESTINATION_INSTANCE_ID": values.destinationID,
            "SANDBOX_NAME": values.sandbox, "ORGANIZATION_NAME": values.organization,
        ]
        let parts = text.split(separator: "%", omittingEmptySubsequences: false)
        let folder = parts.enumerated().map { index, part in
            index % 2 == 0 ? String(part) : FolderTemplate.harmless(stands[String(part)] ?? "")
        }.joined()
        return folder.split(separator: "/").map(FolderTemplate.shortened).joined(separator: "/")
    }

    /// What stands between two percent signs, and whether the second one is there.
    private static func macros(in text: String) -> [(name: String, isClosed: Bool)] {
        let parts = text.split(separator: "%", omittingEmptySubsequences: false)
        return parts.enumerated().filter { $0.offset % 2 == 1 }.map { (String($0.element), $0.offset < parts.count - 1) }
    }

    /// A name as long as file systems allow.
    private static func shortened(_ name: Substring) -> String {
        var name = name.unicodeScalars
        while Substring(name).utf8.count > Limits.folderNameBytes { name.removeLast() }
        return String(name)
    }

    /// Names of people's making in a path: what would lead elsewhere is an underscore.
    private static func harmless(_ value: String) -> String {
        let safe = String(
            String.UnicodeScalarView(
                value.unicodeScalars.map { $0 == "/" || $0 == "\\" || $0.value < 0x20 || $0.value == 0x7F ? "_" : $0 }))
        return safe.isEmpty || safe.allSatisfy { $0 == "." } ? "_" : safe
    }
}
