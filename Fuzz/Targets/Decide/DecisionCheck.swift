internal import CommandPolicy
internal import FuzzReference
internal import FuzzSupport

/// What holds for any decision, whatever the policy.
struct DecisionCheck {
    private let policy: Policy

    init(_ policy: Policy) {
        self.policy = policy
    }

    func check(_ command: ParsedCommand) {
        let decision = policy.decide(command)
        switch decision.verdict {
        case .allow: checkAllowance(decision, of: command)
        case .deny: checkDenial(decision)
        }
        require(
            decision.explanation().utf8.allSatisfy { ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x0A },
            "an explanation has a control byte")
    }

    private func checkAllowance(_ decision: Decision, of command: ParsedCommand) {
        guard let rule = policy.rules.first(where: { $0.id == decision.rule }) else {
            finding("a command is allowed by no rule")
        }
        require(decision.denial == nil, "an allowed command has a denial")
        require(
            decision.argv.map { Array($0.utf8) } == command.argv.map { Array($0.utf8) },
            "other words are allowed than were asked for")
        require(decision.writes == rule.writes, "\(rule.id): writes is not the rule's")
        guard rule.operands.guarded, rule.syntax == .getopt else { return }
        let operands = Tables.table(of: rule).read(command.argv).operandIndices.map {
            command.words[$0].text
        }
        require(
            decision.guards.map { Array($0.utf8) } == operands.map { Array($0.utf8) },
            "\(rule.id): the guards are not the operands")
        for operand in operands {
            var operand = operand
            require(
                operand.withUTF8 { !operand_is_forbidden($0.baseAddress, $0.count) },
                "\(rule.id): a removal of the root folder, or of . or .., is allowed")
        }
    }

    private func checkDenial(_ decision: Decision) {
        guard let denial = decision.denial else { finding("a denial gives no reason") }
        require(decision.guards.isEmpty && decision.limits == nil, "a denied command has limits")
        require(
            denial.message.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F },
            "\(denial.code): the message has a control byte")
        if let token = denial.token, let offset = denial.offset {
            require(
                decision.command.utf8.dropFirst(offset).starts(with: token.utf8),
                "\(denial.code): the token is not what stands at byte \(offset)")
        }
        if let nearest = denial.nearest {
            require(
                policy.decide(nearest).verdict == .allow,
                "\(denial.code): what is offered instead is denied")
        }
    }
}
