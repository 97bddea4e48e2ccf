internal import Yams

/// A mapping whose keys are all known: each is read at most once, and what was not read is a problem.
struct Fields {
    let node: Node
    private let problems: ProblemList
    private var values: [String: Node] = [:]

    /// - Parameters:
    ///   - node: Must be a mapping.
    ///   - what: What it is, for messages.
    ///   - known: The keys that it may have.
    ///   - problems: Where to complain.
    init?(_ node: Node, _ what: String, known: [String], problems: ProblemList) {
        self.node = node
        self.problems = problems
        guard case .mapping(let mapping) = node else {
            problems.add("\(what) must be a mapping", at: node)
            return nil
        }
        for (key, value) in mapping {
            guard let name = key.string, known.contains(name) else {
                problems.add(
                    "\(what) has no key '\(key.string ?? "?")'; there are: "
                        + known.joined(separator: ", "), at: key)
                continue
            }
            values[name] = value
        }
    }

    func has(_ key: String) -> Bool { values[key] != nil }

    func node(_ key: String) -> Node? { values[key] }

    /// The value of a key that must be there.
    func required(_ key: String) -> Node? {
        if values[key] == nil { problems.add("'\(key)' is missing here", at: node) }
        return values[key]
    }

    func string(_ key: String) -> String? { values[key].flatMap { string($0, key) } }

    func strings(_ key: String) -> [String]? {
        guard let node = values[key] else { return nil }
        guard case .sequence(let sequence) = node else {
            problems.add("'\(key)' must be a list", at: node)
            return nil
        }
        return sequence.compactMap { string($0, key) }
    }

    func flag(_ key: String) -> Bool? {
        guard let node = values[key] else { return nil }
        guard case .scalar(let scalar) = node, ["true", "false"].contains(scalar.string) else {
            problems.add("'\(key)' must be true or false", at: node)
            return nil
        }
        return scalar.string == "true"
    }

    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let node = values[key] else { return nil }
        return Self.integer(node, key, in: range, problems)
    }

    func list(_ key: String) -> [Node]? {
        guard let node = values[key] else { return nil }
        guard case .sequence(let sequence) = node else {
            problems.add("'\(key)' must be a list", at: node)
            return nil
        }
        return Array(sequence)
    }

    private func string(_ node: Node, _ key: String) -> String? {
        guard case .scalar(let scalar) = node else {
            problems.add("'\(key)' must hold text here", at: node)
            return nil
        }
        return scalar.string
    }

    static func integer(
        _ node: Node, _ what: String, in range: ClosedRange<Int>, _ problems: ProblemList
    ) -> Int? {
        guard case .scalar(let scalar) = node, let value = Int(scalar.string),
            "\(value)" == scalar.string, range.contains(value)
        else {
            problems.add(
                "'\(what)' must be a whole number from \(range.lowerBound) to \(range.upperBound)",
                at: node)
            return nil
        }
        return value
    }
}
