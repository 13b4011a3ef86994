/// Who is measured in rounds: each round everybody in turn, so that the machine's moods hit all.
struct Contender: Sendable {
    enum Role: Sendable {
        case ours
        case peer(goal: Double?)
        case limit
    }

    let name: String
    let role: Role
    /// Measures once; told the number of the round.
    let measure: @Sendable (Int) async throws -> Double

    static func ours(_ measure: @escaping @Sendable (Int) async throws -> Double) -> Contender {
        Contender(name: "ours", role: .ours, measure: measure)
    }

    static func peer(
        _ name: String, goal: Double? = nil, _ measure: @escaping @Sendable (Int) async throws -> Double
    ) -> Contender {
        Contender(name: name, role: .peer(goal: goal), measure: measure)
    }

    static func limit(_ name: String, _ measure: @escaping @Sendable (Int) async throws -> Double) -> Contender {
        Contender(name: name, role: .limit, measure: measure)
    }
}

/// A figure that is to be measured.
struct Comparison: Sendable {
    static let rounds = 5

    let goal: String
    let title: String
    let unit: String
    let better: Figure.Better
    var bound: Double?
    let contenders: [Contender]

    func run() async throws -> Figure {
        var values = contenders.map { _ in [Double]() }
        for round in 0..<Self.rounds {
            for (index, contender) in contenders.enumerated() { values[index].append(try await contender.measure(round)) }
        }
        var figure = Figure(goal: goal, title: title, unit: unit, better: better, ours: [], bound: bound)
        for (contender, values) in zip(contenders, values) {
            switch contender.role {
            case .ours: figure.ours = values
            case .peer(let goal):
                figure.others.append(Figure.Other(name: contender.name, kind: .peer, values: values, goal: goal))
            case .limit: figure.others.append(Figure.Other(name: contender.name, kind: .limit, values: values))
            }
        }
        return figure
    }
}
