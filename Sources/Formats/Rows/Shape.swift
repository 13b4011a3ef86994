import Model

/// How values of one type are written, in every format. What a row is made of is said once, by shapes; a format adds what it does with them here.
package struct Shape<Value>: Sendable {
    /// What it is, for formats that have a schema.
    package let node: SchemaNode
    let json: @Sendable (Value, inout JSONWriter) -> Void
    /// Adds the value to the columns from `column` on.
    let shred: @Sendable (_ value: Value, _ column: Int, _ level: Level, _ columns: inout [ColumnWriter]) -> Void

    private init(
        _ node: SchemaNode, json: @escaping @Sendable (Value, inout JSONWriter) -> Void,
        shred: @escaping @Sendable (Value, Int, Level, inout [ColumnWriter]) -> Void
    ) {
        self.node = node
        self.json = json
        self.shred = shred
    }

    /// A shape of one column.
    private init(
        leaf node: SchemaNode, json: @escaping @Sendable (Value, inout JSONWriter) -> Void,
        append: @escaping @Sendable (Value, inout ColumnWriter) -> Void
    ) {
        self.init(node, json: json) { value, column, level, columns in
            columns[column].begin(level.defined)
            append(value, &columns[column])
        }
    }

    /// A value that has members.
    package static func group(_ fields: [Field<Value>]) -> Shape {
        let members = fields.map { SchemaNode.Member(name: $0.name, id: $0.id, node: $0.node) }
        return Shape(.group(members)) { value, json in
            json.object { json in
                for field in fields { field.json(value, &json) }
            }
        } shred: { value, column, level, columns in
            var column = column
            for field in fields {
                field.shred(value, column, level.defined, &columns)
                column += field.columns
            }
        }
    }

    /// Values of one shape, in order.
    package static func list<Element>(of element: Shape<Element>) -> Shape where Value == [Element] {
        let count = element.node.columns
        return Shape(.list(element.node)) { values, json in
            json.array { json in
                for value in values { element.json(value, &json) }
            }
        } shred: { values, column, level, columns in
            guard !values.isEmpty else { return columns.skip(column..<column + count, level.defined) }
            for (index, value) in values.enumerated() {
                element.shred(value, column, level.element(isFirst: index == 0), &columns)
            }
        }
    }

    /// Values of one shape by keys, in order.
    package static func map<Element>(of element: Shape<Element>) -> Shape where Value == [(key: String, value: Element)] {
        let count = 1 + element.node.columns
        return Shape(.map(element.node)) { pairs, json in
            json.object { json in
                for (key, value) in pairs {
                    json.key(key)
                    element.json(value, &json)
                }
            }
        } shred: { pairs, column, level, columns in
            guard !pairs.isEmpty else { return columns.skip(column..<column + count, level.defined) }
            for (index, pair) in pairs.enumerated() {
                let inner = level.element(isFirst: index == 0)
                // A key is never absent: it has no level of its own.
                columns[column].begin(inner)
                columns[column].append(text: pair.key)
                element.shred(pair.value, column + 1, inner, &columns)
            }
        }
    }
}

extension Shape where Value == String {
    /// UTF-8.
    package static var text: Shape {
        Shape(leaf: .text) {
            $1.value($0)
        } append: {
            $1.append(text: $0)
        }
    }
}

extension Shape where Value == [UInt8] {
    /// Bytes; base64 where a format knows only text.
    package static var bytes: Shape {
        Shape(leaf: .bytes) {
            $1.value(base64: $0)
        } append: {
            $1.append(bytes: $0)
        }
    }
}

extension Shape where Value == UInt64 {
    /// A whole number from 0 up to the largest that a signed one of 64 bits holds.
    package static var number: Shape {
        Shape(leaf: .number) {
            $1.value($0)
        } append: {
            $1.append(number: Int64(clamping: $0))
        }
    }
}

extension Shape where Value == Bool {
    /// True or false.
    package static var flag: Shape {
        Shape(leaf: .flag) {
            $1.value($0)
        } append: {
            $1.append(flag: $0)
        }
    }
}

extension Shape where Value == Instant {
    /// Milliseconds, UTC.
    static var instant: Shape {
        Shape(leaf: .instant) {
            $1.value($0.description)
        } append: {
            $1.append(number: $0.milliseconds)
        }
    }
}

/// A member of values of one type: its name, its number, and where its value comes from.
package struct Field<Root>: Sendable {
    let name: String
    /// Told by files to readers that know columns by number. Never given to another field.
    let id: Int32
    let node: SchemaNode
    /// How many columns it takes.
    let columns: Int
    let json: @Sendable (Root, inout JSONWriter) -> Void
    let shred: @Sendable (Root, Int, Level, inout [ColumnWriter]) -> Void

    /// - Parameter value: nil: the value has no such member.
    package init<Value>(
        _ id: Int32, _ name: String, _ shape: Shape<Value>, _ value: @escaping @Sendable (Root) -> Value?
    ) {
        self.name = name
        self.id = id
        node = shape.node
        columns = node.columns
        json = { root, json in
            guard let value = value(root) else { return }
            json.key(name)
            shape.json(value, &json)
        }
        shred = { [columns] root, column, level, writers in
            guard let value = value(root) else { return writers.skip(column..<column + columns, level) }
            shape.shred(value, column, level, &writers)
        }
    }

    /// A member that only gathers further members of the same value.
    ///
    /// - Parameter isThere: whether the value has it.
    package init(
        _ id: Int32, _ name: String, group fields: [Field<Root>],
        where isThere: @escaping @Sendable (Root) -> Bool = { _ in true }
    ) {
        let shape = Shape<Root>.group(fields)
        self.name = name
        self.id = id
        node = shape.node
        columns = node.columns
        json = { root, json in
            guard isThere(root) else { return }
            json.key(name)
            shape.json(root, &json)
        }
        shred = { [columns] root, column, level, writers in
            guard isThere(root) else { return writers.skip(column..<column + columns, level) }
            shape.shred(root, column, level, &writers)
        }
    }
}

extension [ColumnWriter] {
    /// Notes in each of these columns that there is no value: its path ends at `level`.
    fileprivate mutating func skip(_ columns: Range<Int>, _ level: Level) {
        for column in columns { self[column].begin(level) }
    }
}
