import Formats
import Model

/// A named value of something shown.
struct Field {
    enum Value {
        case text(String)
        case number(UInt64)
        /// For people rounded, such as `1.5 GiB`; for programs exact.
        case bytes(UInt64)
        case flag(Bool)
        /// There is no value: for people these words.
        case none(String)
        case list([String])
        /// A table within: one list of fields a row.
        case rows([[Field]])
        /// Another thing, of which a table has room for some columns.
        case thing([Field], columns: [String])

        var text: String {
            switch self {
            case .text(let text): text
            case .number(let number): String(number)
            case .bytes(let bytes): Size.text(bytes)
            case .flag(let flag): flag ? "on" : "off"
            case .none(let words): words
            case .list(let items): items.isEmpty ? "none" : items.joined(separator: "; ")
            case .rows(let rows): String(rows.count)
            case .thing: ""
            }
        }
    }

    /// For people.
    let label: String
    /// In JSON.
    let key: String
    let value: Value

    init(_ label: String, _ key: String, _ value: Value) {
        self.label = label
        self.key = key
        self.value = value
    }

    /// A count.
    init(_ label: String, _ key: String, _ count: Int) {
        self.init(label, key, .number(UInt64(clamping: count)))
    }

    /// A time, or none.
    init(_ label: String, _ key: String, _ time: Instant?) {
        self.init(label, key, time.map { .text($0.description) } ?? .none("none"))
    }

    var isTable: Bool {
        switch value {
        case .rows, .thing: true
        case .text, .number, .bytes, .flag, .none, .list: false
        }
    }

    func write(to json: inout JSONWriter) {
        switch value {
        case .text(let text): json.member(key, text)
        case .number(let number), .bytes(let number): json.member(key, number)
        case .flag(let flag): json.member(key, flag)
        case .none: json.null(key)
        case .list(let items):
            json.array(key) { json in
                for item in items { json.value(item) }
            }
        case .rows(let rows): json.array(key) { $0.objects(rows) }
        case .thing(let fields, _):
            json.object(key) { json in
                for field in fields { field.write(to: &json) }
            }
        }
    }
}

extension JSONWriter {
    /// One object for each list of fields.
    mutating func objects(_ rows: [[Field]]) {
        for fields in rows {
            object { json in
                for field in fields { field.write(to: &json) }
            }
        }
    }
}
