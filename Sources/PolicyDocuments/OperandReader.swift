internal import CommandPolicy
internal import Yams

/// Reads `operands`.
struct OperandReader {
    let problems: ProblemList

    /// - Parameters:
    ///   - node: The mapping.
    ///   - rule: Whose operands they are; its options are read already.
    /// - Returns: What they may be.
    func operands(_ node: Node, of rule: ProgramRule) -> OperandRule {
        guard
            let fields = Fields(
                node, "operands",
                known: [
                    "min", "max", "min_waived_by", "leading", "leading_waived_by", "within",
                    "removed", "protected",
                ], problems: problems)
        else { return .any }
        let operands = OperandRule(
            minimumCount: fields.integer("min", in: 0...1024) ?? 0,
            maximumCount: fields.integer("max", in: 0...1024),
            minimumWaivedBy: options(fields, "min_waived_by", of: rule),
            leadingCount: fields.integer("leading", in: 0...16) ?? 0,
            leadingWaivedBy: options(fields, "leading_waived_by", of: rule),
            within: paths(fields, "within"), guarded: fields.flag("removed") ?? false,
            protected: paths(fields, "protected") ?? [])
        if let maximum = operands.maximumCount, maximum < operands.minimumCount {
            problems.add("'max' is below 'min'", at: node)
        }
        if !operands.protected.isEmpty && !operands.guarded {
            problems.add("'protected' is for programs that remove their operands", at: node)
        }
        if operands.protected.count > 256 || operands.within?.count ?? 0 > 64 {
            problems.add("at most 256 protected paths and 64 to be within", at: node)
        }
        return operands
    }

    /// Absolute paths, normalised.
    func paths(_ fields: Fields, _ key: String) -> [String]? {
        guard let node = fields.node(key), let paths = fields.strings(key) else { return nil }
        if key == "within" && paths.isEmpty {
            problems.add("'within' needs one path at least", at: node)
        }
        return paths.map { path in
            if path.utf8.first != UInt8(ascii: "/") || path.utf8.count > 4095
                || path.utf8.contains(0)
            {
                problems.add("'\(path)' is no absolute path", at: node)
            }
            return PathPrefix.normalized(path)
        }
    }

    private func options(_ fields: Fields, _ key: String, of rule: ProgramRule) -> [String] {
        let names = fields.strings(key) ?? []
        for name in names where !rule.options.contains(where: { $0.hasName(name) }) {
            problems.add(
                "\(rule.program) has no option \(name) in this rule",
                at: fields.node(key) ?? fields.node)
        }
        return names
    }
}
