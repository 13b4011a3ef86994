import CGMime
import Glibc
package import Model

/// Reads mails (RFC 5322 and MIME) with GMime.
///
/// What a mail's text is follows the rules of Python's `EmailMessage.get_body`: attachments are never a body, of alternatives each
/// kind is taken once, and a related group is its root.
package enum Mail {
    /// The mail as its parts; `raw` is the bytes given.
    ///
    /// - Throws: `invalidArgument` when the bytes are no mail: empty, or without a single header field.
    package static func parse(_ raw: [UInt8]) throws(Status) -> Email {
        initialize
        // Some programs put a byte-order mark before the first field, which then would not be one.
        let text = raw.starts(with: [0xEF, 0xBB, 0xBF]) ? raw.dropFirst(3) : raw[...]
        let found: Email? = text.withUnsafeBufferPointer { bytes in
            guard let start = bytes.baseAddress else { return nil }
            return start.withMemoryRebound(to: CChar.self, capacity: bytes.count) { start in
                let stream = g_mime_stream_mem_new_with_buffer(start, bytes.count)
                defer { g_object_unref(stream) }
                let parser = g_mime_parser_new_with_stream(stream)
                defer { g_object_unref(parser) }
                guard let message = g_mime_parser_construct_message(parser, nil) else { return nil }
                defer { g_object_unref(message) }
                return read(message)
            }
        }
        guard !raw.isEmpty else { throw Status(.invalidArgument, "not a mail: it is empty") }
        guard var email = found else {
            throw Status(.invalidArgument, "not a mail", hint: "a mail begins with header fields such as From: and Subject:")
        }
        email.raw = raw
        return email
    }

    /// GMime is set up once, before its first use.
    private static let initialize: Void = g_mime_init()

    private static func read(_ message: UnsafeMutablePointer<GMimeMessage>) -> Email? {
        let root = g_mime_message_get_mime_part(message)
        // GMime keeps the Content- fields with the part they describe: by their place in the mail, all are in order again.
        let fields = (rawHeaders(cgmime_message_object(message)) + rawHeaders(root)).sorted { $0.offset < $1.offset }
        guard !fields.isEmpty else { return nil }
        var email = Email(headers: fields.map { Header(name: $0.name, value: EncodedWords.decoded($0.value)) })
        email.subject = email.firstHeader("Subject")
        func addresses(_ name: String) -> [Address] {
            AddressField.addresses(fields.filter { $0.name.lowercased() == name }.map(\.value))
        }
        email.from = addresses("from").first
        email.to = addresses("to")
        email.cc = addresses("cc")
        email.bcc = addresses("bcc")
        email.replyTo = addresses("reply-to")
        guard let root else { return email }
        let text = body(in: root, "plain")
        let html = body(in: root, "html")
        let last = lastUnclosed(root)
        func part(_ object: UnsafeMutablePointer<GMimeObject>) -> MailPart { MailPart(object: object, isCutOff: object == last) }
        let readings = (text: text.flatMap { part($0).text }, html: html.flatMap { part($0).text })
        email.text = readings.text?.text
        email.html = readings.html?.text
        forEachLeaf(of: root) { leaf in
            // A body that cannot be read whole is kept as its bytes too.
            let isRead = (leaf == text && readings.text?.isWhole == true) || (leaf == html && readings.html?.isWhole == true)
            if !isRead { email.attachments.append(part(leaf).attachment) }
        }
        return email
    }

    private struct RawHeader {
        let name: String
        /// Unfolded, encoded words not decoded. Bytes that are no UTF-8 show as U+FFFD: what they meant is not guessed.
        let value: String
        /// Where in the mail it begins.
        let offset: Int64
    }

    private static func rawHeaders(_ object: UnsafeMutablePointer<GMimeObject>?) -> [RawHeader] {
        guard let object, let list = g_mime_object_get_header_list(object) else { return [] }
        return (0..<g_mime_header_list_get_count(list)).compactMap { index -> RawHeader? in
            guard let header = g_mime_header_list_get_header_at(list, index), let name = g_mime_header_get_name(header),
                let value = g_mime_header_get_raw_value(header)
            else { return nil }
            return RawHeader(
                name: String(cString: name), value: unfolded(UnsafeRawBufferPointer(start: value, count: strlen(value))),
                offset: Int64(g_mime_header_get_offset(header)))
        }
    }

    private static func unfolded(_ raw: UnsafeRawBufferPointer) -> String {
        let unfolded = raw.filter { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }
        let value = unfolded.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        return String(decoding: value, as: UTF8.self)
    }

    /// The part that is the mail's body of a text subtype.
    private static func body(in object: UnsafeMutablePointer<GMimeObject>, _ subtype: String) -> UnsafeMutablePointer<
        GMimeObject
    >? {
        let type = MailPart.mediaType(object)
        guard !MailPart.isAttachment(object) else { return nil }
        if type.main == "text" { return type.sub == subtype ? object : nil }
        guard type.main == "multipart", let multipart = cgmime_multipart(object) else { return nil }
        let parts = (0..<g_mime_multipart_get_count(multipart)).compactMap { g_mime_multipart_get_part(multipart, $0) }
        guard type.sub == "related" else {
            for part in parts {
                if let found = body(in: part, subtype) { return found }
            }
            return nil
        }
        let start = g_mime_object_get_content_type_parameter(object, "start").map { String(cString: $0) }
        let named = parts.first { part in
            guard let start, let id = g_mime_object_get_header(part, "Content-ID") else { return false }
            return String(cString: id) == start
        }
        return (named ?? parts.first).flatMap { body(in: $0, subtype) }
    }

    /// The leaf that a mail ends with, when none of the multiparts around it is closed.
    private static func lastUnclosed(_ root: UnsafeMutablePointer<GMimeObject>) -> UnsafeMutablePointer<GMimeObject>? {
        var object = root
        while let multipart = cgmime_multipart(object) {
            let count = g_mime_multipart_get_count(multipart)
            guard multipart.pointee.write_end_boundary == 0, count > 0,
                let last = g_mime_multipart_get_part(multipart, count - 1)
            else { return nil }
            object = last
        }
        return object == root ? nil : object
    }

    private static func forEachLeaf(
        of object: UnsafeMutablePointer<GMimeObject>, _ visit: (UnsafeMutablePointer<GMimeObject>) -> Void
    ) {
        guard let multipart = cgmime_multipart(object) else { return visit(object) }
        for index in 0..<g_mime_multipart_get_count(multipart) {
            if let part = g_mime_multipart_get_part(multipart, index) { forEachLeaf(of: part, visit) }
        }
    }
}

extension Email {
    /// The value of the first header field of that name; nil when there is none.
    package func firstHeader(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}
