/// Two lowercase digits a byte.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for byte in bytes {
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
}

/// The bytes that such digits, in either case, stand for; nil when they are not pairs of such digits.
package func bytes(hexadecimal text: String) -> [UInt8]? {
    let values = text.utf8.map { Character(UnicodeScalar($0)).hexDigitValue.map(UInt8.init) }
    guard values.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for start in stride(from: 0, to: values.count, by: 2) {
        guard let high = values[start], let low = values[start + 1] else { return nil }
        bytes.append(high << 4 | low)
    }
    return bytes
}
