internal import CommandPolicy
internal import Yams

/// Reads a document's top level; `RuleReader` reads its rules.
struct PolicyReader {
    let problems: ProblemList
    let known: [Policy]

    func policy(_ root: Node) -> Policy? {
        guard
            let fields = Fields(
                root, "a policy",
                known: ["boathook_policy", "name", "description", "extends", "limits", "rules"],
                problems: problems)
        else { return nil }
        if let version = fields.required("boathook_policy") {
            let value = Fields.integer(version, "boathook_policy", in: 1...999, problems)
            if let value, value != PolicyDocument.version {
                problems.add(
                    "this is schema version \(value); this Boathook reads version \(PolicyDocument.version)",
                    at: version)
            }
        }
        _ = fields.required("name")
        let name = fields.string("name") ?? ""
        checkName(name, at: fields.node("name"))
        _ = fields.required("description")
        let limits = fields.node("limits").map { LimitsReader(problems: problems).limits($0) }
        let base = extended(fields)
        var rules: [ProgramRule] = []
        for rule in base.flatMap(\.rules) where !rules.contains(where: { $0.id == rule.id }) {
            rules.append(rule)
        }
        let reader = RuleReader(
            problems: problems, policy: name, known: known, limits: limits ?? CommandLimits())
        for node in fields.list("rules") ?? [] {
            guard let rule = reader.rule(node) else { continue }
            if rules.contains(where: { $0.id == rule.id }) {
                problems.add(
                    "there is a rule named \(rule.name) already; give it a name of its own",
                    at: node)
            }
            rules.append(rule)
        }
        if rules.isEmpty && problems.isEmpty {
            problems.add("a policy needs rules, or another one to extend", at: root)
        }
        return Policy(name: name, summary: fields.string("description") ?? "", rules: rules)
    }

    private func extended(_ fields: Fields) -> [Policy] {
        guard let node = fields.node("extends") else { return [] }
        return (fields.strings("extends") ?? []).compactMap { name in
            if let policy = known.first(where: { $0.name == name }) { return policy }
            problems.add(
                "there is no policy '\(name)' to extend; there are: "
                    + known.map(\.name).joined(separator: ", "), at: node)
            return nil
        }
    }

    private func checkName(_ name: String, at node: Node?) {
        guard let node, !RuleReader.isName(name) else { return }
        problems.add("a name is a lower-case letter and up to 31 more, digits or dashes", at: node)
    }
}

/// Reads `limits`.
struct LimitsReader {
    let problems: ProblemList

    /// - Parameters:
    ///   - node: The mapping.
    ///   - base: What holds for keys that are not given.
    /// - Returns: The limits.
    func limits(_ node: Node, base: CommandLimits = CommandLimits()) -> CommandLimits {
        guard
            let fields = Fields(
                node, "limits",
                known: [
                    "wall_seconds", "max_wall_seconds", "cpu_seconds", "memory_mib", "output_mib",
                    "entries",
                ],
                problems: problems)
        else { return base }
        var limits = base
        if let value = fields.integer("wall_seconds", in: 1...86_400) { limits.wallSeconds = value }
        if let value = fields.integer("max_wall_seconds", in: 1...86_400) {
            limits.maximumWallSeconds = value
        }
        if limits.wallSeconds > limits.maximumWallSeconds {
            problems.add("'wall_seconds' is more than 'max_wall_seconds'", at: node)
        }
        if let value = fields.integer("cpu_seconds", in: 1...86_400) { limits.cpuSeconds = value }
        // Below 64 MiB the dynamic linker itself may fail.
        if let value = fields.integer("memory_mib", in: 64...1_048_576) {
            limits.memoryBytes = value << 20
        }
        if let value = fields.integer("output_mib", in: 1...65_536) {
            limits.outputBytes = value << 20
        }
        if let value = fields.integer("entries", in: 0...1_000_000_000) {
            limits.entries = Int64(value)
        }
        return limits
    }
}
