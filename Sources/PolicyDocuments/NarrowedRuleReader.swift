internal import CommandPolicy
internal import Yams

/// Reads a rule that takes over another one (`use`) and allows less.
struct NarrowedRuleReader {
    let problems: ProblemList
    let policy: String
    let known: [Policy]

    func rule(_ node: Node) -> ProgramRule? {
        guard
            let fields = Fields(
                node, "a rule that uses another",
                known: ["use", "name", "refuse", "operands", "limits"], problems: problems),
            let used = fields.string("use")
        else { return nil }
        guard var rule = known.flatMap(\.rules).first(where: { $0.id == used }) else {
            problems.add(
                "there is no rule '\(used)' to use; write it as POLICY/RULE, of: "
                    + known.map(\.name).joined(separator: ", "), at: fields.node("use") ?? node)
            return nil
        }
        rule.policy = policy
        if let name = fields.string("name") { rule.name = name }
        if !RuleReader.isName(rule.name) {
            problems.add(
                "a name is a lower-case letter and up to 31 more, digits or dashes", at: node)
        }
        for entry in fields.list("refuse") ?? [] { refuse(entry, in: &rule) }
        if let operands = fields.node("operands") { narrow(&rule.operands, operands, of: rule) }
        if let limits = fields.node("limits") {
            rule.limits = rule.limits.narrowed(
                by: LimitsReader(problems: problems).limits(limits, base: rule.limits))
        }
        return rule
    }

    private func refuse(_ node: Node, in rule: inout ProgramRule) {
        guard
            let fields = Fields(
                node, "a refusal", known: ["names", "because"], problems: problems),
            fields.required("names") != nil, fields.required("because") != nil,
            let reason = fields.string("because")
        else { return }
        for name in fields.strings("names") ?? [] {
            var isKnown = false
            for index in rule.options.indices where rule.options[index].hasName(name) {
                rule.options[index].refusal = reason
                isKnown = true
            }
            for index in rule.predicates.indices where rule.predicates[index].name == name {
                rule.predicates[index].refusal = reason
                isKnown = true
            }
            if !isKnown { problems.add("\(rule.program) has no option \(name)", at: node) }
        }
    }

    private func narrow(_ operands: inout OperandRule, _ node: Node, of rule: ProgramRule) {
        guard rule.backend == .jail else {
            problems.add("a rule that runs through the engine has no operands", at: node)
            return
        }
        guard
            let fields = Fields(
                node, "operands", known: ["min", "max", "within", "protected"], problems: problems)
        else { return }
        if let minimum = fields.integer("min", in: 0...1024) {
            operands.minimumCount = max(operands.minimumCount, minimum)
        }
        if let maximum = fields.integer("max", in: 0...1024) {
            operands.maximumCount = min(operands.maximumCount ?? maximum, maximum)
        }
        let reader = OperandReader(problems: problems)
        if let within = reader.paths(fields, "within") {
            operands.within = PathPrefix.intersection(operands.within, within)
            if operands.within?.isEmpty == true {
                problems.add(
                    "none of 'within' lies within what \(rule.program) had there", at: node)
            }
        }
        if let protected = reader.paths(fields, "protected") {
            if !operands.guarded { problems.add("'protected' is for rm", at: node) }
            operands.protected += protected
        }
    }
}
