internal import CommandPolicy
internal import Yams

/// Reads one rule: one with a table of its own, or one that takes over another's and narrows it.
struct RuleReader {
    let problems: ProblemList
    /// The policy that is being read.
    let policy: String
    let known: [Policy]
    /// For rules without their own.
    let limits: CommandLimits

    private static let keys = [
        "program", "name", "runs", "syntax", "writes", "views", "volumes", "options", "counts",
        "predicates", "operands", "limits", "forms",
    ]

    func rule(_ node: Node) -> ProgramRule? {
        if case .mapping(let mapping) = node, mapping["use"] != nil {
            return NarrowedRuleReader(problems: problems, policy: policy, known: known).rule(node)
        }
        guard let fields = Fields(node, "a rule", known: Self.keys, problems: problems),
            fields.required("program") != nil, let program = fields.string("program")
        else { return nil }
        let backend = word(fields, "runs", of: CommandBackend.ofPolicies) ?? .jail
        let writes = fields.flag("writes") ?? false
        var rule = ProgramRule(
            policy: policy, name: fields.string("name"), program: program, backend: backend,
            syntax: syntax(fields, backend), writes: writes, views: views(fields, writes: writes),
            attachesVolumes: fields.flag("volumes") ?? true,
            acceptsCount: fields.flag("counts") ?? false)
        rule.limits =
            fields.node("limits").map {
                LimitsReader(problems: problems).limits($0, base: limits)
            } ?? limits
        let options = OptionReader(problems: problems)
        rule.options = (fields.list("options") ?? []).flatMap(options.options)
        rule.predicates = (fields.list("predicates") ?? []).flatMap(options.predicates)
        if let operands = fields.node("operands") {
            rule.operands = OperandReader(problems: problems).operands(operands, of: rule)
        }
        check(rule, fields)
        return rule
    }

    /// A lower-case letter and up to 31 more, digits or dashes.
    static func isName(_ name: String) -> Bool {
        let bytes = Array(name.utf8)
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard let first = bytes.first, letters.contains(first), bytes.count <= 32 else {
            return false
        }
        return bytes.allSatisfy { byte in
            letters.contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
        }
    }

    private func syntax(_ fields: Fields, _ backend: CommandBackend) -> ProgramRule.Syntax {
        if backend == .engine {
            guard let node = fields.required("forms"), let list = fields.list("forms") else {
                return .forms([])
            }
            let forms = list.map { form -> [String] in
                guard case .sequence(let words) = form else {
                    problems.add("a form is a list of words", at: form)
                    return []
                }
                return words.compactMap(\.scalar?.string)
            }
            if forms.isEmpty { problems.add("'forms' needs one form at least", at: node) }
            return .forms(forms)
        }
        guard let node = fields.node("syntax") else { return .getopt }
        switch fields.string("syntax") {
        case "getopt": return .getopt
        case "find": return .expression
        default:
            problems.add("'syntax' must be getopt or find", at: node)
            return .getopt
        }
    }

    private func views(_ fields: Fields, writes: Bool) -> [InstanceView]? {
        guard let node = fields.node("views"), let names = fields.strings("views") else {
            return nil
        }
        let views = names.compactMap(InstanceView.init)
        if views.count != names.count || views.isEmpty {
            problems.add("'views' may name merged and writable", at: node)
        }
        if writes && views.contains(.writable) {
            problems.add("what writes runs on the merged view alone", at: node)
        }
        return views
    }

    private func word<Value: RawRepresentable<String>>(
        _ fields: Fields, _ key: String, of values: [Value]
    ) -> Value? {
        guard let node = fields.node(key), let text = fields.string(key) else { return nil }
        if let value = values.first(where: { $0.rawValue == text }) { return value }
        problems.add(
            "'\(key)' must be " + values.map(\.rawValue).joined(separator: " or "), at: node)
        return nil
    }

    /// What its parts must be to one another.
    private func check(_ rule: ProgramRule, _ fields: Fields) {
        let node = fields.node
        if !Self.isName(rule.name) {
            problems.add(
                "a name is a lower-case letter and up to 31 more, digits or dashes", at: node)
        }
        switch rule.backend {
        case .jail:
            // A program whose options nobody knows cannot be allowed.
            _ = fields.required("options")
            if !JailedPrograms.all.contains(rule.program) {
                problems.add(
                    "the jail has no tool '\(rule.program)'; it has: "
                        + JailedPrograms.all.joined(separator: " "),
                    at: fields.node("program") ?? node)
            }
            if rule.syntax == .expression { _ = fields.required("predicates") }
            if rule.syntax != .expression, fields.has("predicates") {
                problems.add("'predicates' are for syntax: find", at: node)
            }
            if rule.writes != rule.operands.guarded {
                problems.add(
                    "what writes removes its operands, and nothing else does: writes and operands.removed must be the same",
                    at: node)
            }
            if rule.writes && rule.program != "rm" {
                problems.add("'\(rule.program)' writes nothing; only rm does", at: node)
            }
            if !rule.writes && rule.program == "rm" { problems.add("rm writes", at: node) }
            if fields.has("forms") { problems.add("'forms' are for runs: engine", at: node) }
        case .engine:
            if rule.writes { problems.add("what runs through the engine must not write", at: node) }
            for key in [
                "options", "predicates", "operands", "views", "syntax", "counts", "volumes",
            ]
            where fields.has(key) {
                problems.add("'\(key)' is not for runs: engine", at: fields.node(key) ?? node)
            }
            if case .forms(let forms) = rule.syntax,
                !forms.allSatisfy({ $0.first == rule.program })
            {
                problems.add(
                    "each form begins with \(rule.program)", at: fields.node("forms") ?? node)
            }
        case .logs:
            problems.add("'runs' must be jail or engine", at: node)
        }
    }
}
