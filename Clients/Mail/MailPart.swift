import CGMime
import Glibc
import Model

/// A leaf of a mail's tree.
struct MailPart {
    /// Its text, read in the charset it says it is in; what cannot be read shows as U+FFFD.
    let text: String

    /// Nil when it has no content of its own.
    init?(_ object: UnsafeMutablePointer<GMimeObject>) {
        guard let part = cgmime_part(object) else { return nil }
        let charset = g_mime_object_get_content_type_parameter(object, "charset").map { String(cString: $0) }
        text = Charset.decode(MailPart.content(of: part), from: charset ?? "us-ascii")
    }

    /// An attachment by value. A mail within the mail is attached as its bytes.
    static func attachment(_ object: UnsafeMutablePointer<GMimeObject>) -> Attachment {
        let type = mediaType(object)
        let name = cgmime_part(object).flatMap { g_mime_part_get_filename($0) }.map { String(cString: $0) }
        return Attachment(name: name, type: "\(type.main)/\(type.sub)", content: content(of: object))
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

    private static func content(of object: UnsafeMutablePointer<GMimeObject>) -> [UInt8] {
        if let part = cgmime_part(object) { return content(of: part) }
        guard let message = cgmime_message_part(object).flatMap({ g_mime_message_part_get_message($0) }) else { return [] }
        return collect { g_mime_object_write_to_stream(cgmime_message_object(message), nil, $0) }
    }

    /// The part's bytes, its transfer encoding undone.
    private static func content(of part: UnsafeMutablePointer<GMimePart>) -> [UInt8] {
        guard let wrapper = g_mime_part_get_content(part) else { return [] }
        return collect { g_mime_data_wrapper_write_to_stream(wrapper, $0) }
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

/// Reads bytes in a named charset.
enum Charset {
    /// The text; U+FFFD for each byte that is none in that charset.
    static func decode(_ bytes: [UInt8], from name: String) -> String {
        switch name.lowercased() {
        case "utf-8", "utf8":
            return String(decoding: bytes, as: UTF8.self)
        case "us-ascii", "ascii":
            return ascii(bytes)
        default:
            return convert(bytes, from: name) ?? ascii(bytes)
        }
    }

    private static func ascii(_ bytes: [UInt8]) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(byte < 0x80 ? Unicode.Scalar(byte) : "\u{FFFD}") }
        return String(text)
    }

    /// By iconv; nil when it does not know the charset.
    private static func convert(_ bytes: [UInt8], from name: String) -> String? {
        let converter = g_iconv_open("UTF-8", g_mime_charset_iconv_name(name))
        guard converter != GIConv(bitPattern: -1) else { return nil }
        defer { g_iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var output: [UInt8] = []
        let pieceSize = 4096
        let unit = name.contains("32") ? 4 : name.contains("16") ? 2 : 1
        input.withUnsafeMutableBufferPointer { buffer in
            var next = buffer.baseAddress
            var left = buffer.count
            while left > 0 {
                var failed = false
                output += [UInt8](unsafeUninitializedCapacity: pieceSize) { piece, count in
                    piece.withMemoryRebound(to: CChar.self) { room in
                        var target = room.baseAddress
                        var free = pieceSize
                        failed = g_iconv(converter, &next, &left, &target, &free) == Int(bitPattern: UInt.max) && free >= 16
                        count = pieceSize - free
                    }
                }
                guard failed else { continue }
                output += "\u{FFFD}".utf8
                let skipped = min(unit, left)
                next = next.map { $0 + skipped }
                left -= skipped
            }
        }
        // Some converters hold the last letter back, for a mark that may follow it.
        output += [UInt8](unsafeUninitializedCapacity: pieceSize) { piece, count in
            piece.withMemoryRebound(to: CChar.self) { room in
                var target = room.baseAddress
                var free = pieceSize
                g_iconv(converter, nil, nil, &target, &free)
                count = pieceSize - free
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
