import CGMime
import Glibc
import Model

/// A leaf of a mail's tree.
struct MailPart {
    let object: UnsafeMutablePointer<GMimeObject>
    /// Whether the mail ends with it, but without the closing boundary: then the last line end was to belong to that.
    let isCutOff: Bool

    /// Its text, read in the charset it says it is in, or in ASCII where that is none; nil when it has no content of its own.
    var text: Charset.Reading? {
        guard let part = cgmime_part(object) else { return nil }
        let bytes = content(of: part)
        let name = g_mime_object_get_content_type_parameter(object, "charset").map { String(cString: $0) } ?? "us-ascii"
        guard let charset = Charset(name) else { return Charset.Reading(Charset.ascii(bytes).text, isWhole: false) }
        return charset.read(bytes)
    }

    /// An attachment by value. A mail within the mail is attached as its bytes.
    var attachment: Attachment {
        let type = MailPart.mediaType(object)
        let name = cgmime_part(object).flatMap { g_mime_part_get_filename($0) }.map { String(cString: $0) }
        return Attachment(name: name, type: "\(type.main)/\(type.sub)", content: content)
    }

    /// Media type and subtype, in lowercase; `text/plain` where the field is not of that form (RFC 2045, 5.2).
    static func mediaType(_ object: UnsafeMutablePointer<GMimeObject>) -> (main: String, sub: String) {
        if let written = g_mime_object_get_header(object, "Content-Type"), strchr(written, Int32(UInt8(ascii: "/"))) == nil {
            return ("text", "plain")
        }
        guard let type = g_mime_object_get_content_type(object), let main = g_mime_content_type_get_media_type(type),
            let sub = g_mime_content_type_get_media_subtype(type)
        else { return ("text", "plain") }
        return (String(cString: main).lowercased(), String(cString: sub).lowercased())
    }

    static func isAttachment(_ object: UnsafeMutablePointer<GMimeObject>) -> Bool {
        guard let disposition = g_mime_object_get_content_disposition(object),
            let value = g_mime_content_disposition_get_disposition(disposition)
        else { return false }
        return String(cString: value).lowercased() == "attachment"
    }

    private var content: [UInt8] {
        if let part = cgmime_part(object) { return content(of: part) }
        guard let message = cgmime_message_part(object).flatMap({ g_mime_message_part_get_message($0) }) else { return [] }
        return MailPart.collect { g_mime_object_write_to_stream(cgmime_message_object(message), nil, $0) }
    }

    /// The part's bytes, its transfer encoding undone.
    private func content(of part: UnsafeMutablePointer<GMimePart>) -> [UInt8] {
        guard let wrapper = g_mime_part_get_content(part) else { return [] }
        var bytes = MailPart.collect { g_mime_data_wrapper_write_to_stream(wrapper, $0) }
        let encoding = g_mime_part_get_content_encoding(part)
        if isCutOff, encoding != GMIME_CONTENT_ENCODING_BASE64, encoding != GMIME_CONTENT_ENCODING_UUENCODE,
            bytes.last == UInt8(ascii: "\n")
        {
            bytes.removeLast()
            if bytes.last == UInt8(ascii: "\r") { bytes.removeLast() }
        }
        return bytes
    }

    private static func collect(_ write: (UnsafeMutablePointer<GMimeStream>?) -> Int) -> [UInt8] {
        let stream = g_mime_stream_mem_new()
        defer { g_object_unref(stream) }
        // Memory cannot fail, and undoing an encoding never does: it takes what it can.
        _ = write(stream)
        guard let bytes = cgmime_bytes(stream) else { return [] }
        return Array(UnsafeBufferPointer(start: bytes.pointee.data, count: Int(bytes.pointee.len)))
    }
}
