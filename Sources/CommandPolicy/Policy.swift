/// Which programs may run, with which options and operands: everything else is denied.
package struct Policy: Sendable, Hashable {
    /// The policy's name, for the record and for people.
    package var name: String
    /// One sentence on what it is for.
    package var summary: String
    /// In the order in which they are tried: the first of a program that allows the command decides.
    package var rules: [ProgramRule]

    package init(name: String, summary: String = "", rules: [ProgramRule]) {
        self.name = name
        self.summary = summary
        self.rules = rules
    }

    /// Decides a command as typed; what the grammar refuses is denied too.
    ///
    /// Touches no file; linear in the text (and in the table), for any text.
    ///
    /// - Parameters:
    ///   - text: The command.
    ///   - view: On what it is to run.
    ///   - scope: How far the caller's key reaches.
    /// - Returns: The decision, with its reason.
    package func decide(
        _ text: String, on view: InstanceView = .merged, scope: CommandScope = .everything
    ) -> Decision {
        do throws(CommandError) {
            return decide(try ParsedCommand.parse(text), on: view, scope: scope)
        } catch {
            return denial(error, command: text)
        }
    }

    /// Decides the words of a caller that sends argv itself; no quoting is read.
    ///
    /// - Parameters:
    ///   - argv: The program and its arguments.
    ///   - view: On what it is to run.
    ///   - scope: How far the caller's key reaches.
    /// - Returns: The decision, with its reason.
    package func decide(
        argv: [String], on view: InstanceView = .merged, scope: CommandScope = .everything
    ) -> Decision {
        do throws(CommandError) {
            return decide(try ParsedCommand.words(argv), on: view, scope: scope)
        } catch {
            return denial(error, command: ParsedCommand.rendering(argv).text)
        }
    }

    /// Decides a command.
    ///
    /// - Parameters:
    ///   - command: Its words.
    ///   - view: On what it is to run.
    ///   - scope: How far the caller's key reaches.
    /// - Returns: The decision, with its reason.
    package func decide(
        _ command: ParsedCommand, on view: InstanceView = .merged,
        scope: CommandScope = .everything
    ) -> Decision {
        do throws(Refusal) {
            return try allowance(command, view, scope)
        } catch {
            var denied = denial(error.error, command: command.text)
            denied.argv = command.argv
            denied.view = view
            if let rule = rules(for: command).first {
                denied.rule = rule.id
                denied.writes = rule.writes
                denied.backend = rule.backend
            }
            denied.denial?.nearest = error.candidate.flatMap { nearest($0, view, scope) }
            return denied
        }
    }

    /// The programs that there are rules for, each once.
    package var programs: [String] {
        rules.map(\.program).reduce(into: []) { names, name in
            if !names.contains(where: { $0.hasSameBytes(as: name) }) { names.append(name) }
        }
    }

    /// The rules with the program's name, byte for byte.
    package func rules(for command: ParsedCommand) -> [ProgramRule] {
        guard let program = command.words.first else { return [] }
        return rules.filter { $0.program.hasSameBytes(as: program.text) }
    }

    /// The first rule that allows the command, or else the refusal of the first there is.
    private func allowance(
        _ command: ParsedCommand, _ view: InstanceView, _ scope: CommandScope
    ) throws(Refusal) -> Decision {
        let rules = rules(for: command)
        guard !rules.isEmpty else { throw unknownProgram(command) }
        var first: Refusal?
        for rule in rules {
            do throws(Refusal) {
                return try allowance(command, by: rule, view, scope)
            } catch {
                first = first ?? error
            }
        }
        throw first ?? unknownProgram(command)
    }

    private func allowance(
        _ command: ParsedCommand, by rule: ProgramRule, _ view: InstanceView,
        _ scope: CommandScope
    ) throws(Refusal) -> Decision {
        try check(rule, for: command, view, scope)
        let invocation = try rule.read(command)
        let paths = PathPrefix.intersection(rule.operands.within, scope.paths)
        guard paths?.isEmpty != true else {
            // No path at all must never be taken for no bound.
            throw command.refusal(
                .pathNotAllowed,
                "Nothing that \(rule.program) may reach lies where this key or machine lets it.",
                at: 0)
        }
        try rule.operands.check(
            invocation, of: command, program: rule.program, within: paths)
        let operands = invocation.operandIndices.map { command.words[$0].text }
        var decision = Decision(
            verdict: .allow, policy: name, rule: rule.id, command: command.text,
            argv: command.argv, writes: rule.writes, limits: rule.limits)
        decision.backend = rule.backend
        decision.view = view
        decision.attachesVolumes = rule.attachesVolumes
        decision.paths = paths
        if rule.operands.guarded {
            decision.guards = operands
            decision.protected = rule.operands.protected
        }
        return decision
    }

    /// What a rule refuses whatever the arguments are.
    private func check(
        _ rule: ProgramRule, for command: ParsedCommand, _ view: InstanceView,
        _ scope: CommandScope
    ) throws(Refusal) {
        guard scope.grants(rule) else {
            let granted = Policy(name: name, rules: rules.filter(scope.grants)).programs
            throw command.refusal(
                .notGranted,
                "This key may not run \(rule.program); "
                    + (granted.isEmpty
                        ? "it may run nothing." : "it may run \(list(granted, "and"))."),
                at: 0)
        }
        guard scope.writes || !rule.writes else {
            throw command.refusal(
                .writesNotGranted,
                "This key may not change anything, and \(rule.program) does.", at: 0)
        }
        guard rule.views.contains(view) else {
            throw command.refusal(
                .viewNotAllowed,
                "\(rule.program) does not run on the \(view.rawValue) view, but on "
                    + "\(list(rule.views.map(\.rawValue), "or")).",
                at: 0)
        }
        // Which paths the instance's own program would look at nobody can hold it to.
        guard scope.paths == nil || rule.backend == .jail else {
            throw command.refusal(
                .notGranted, "This key is bound to paths, and \(rule.program) is not.", at: 0)
        }
    }

    /// A candidate as text, if it parses and is allowed.
    private func nearest(
        _ candidate: [String], _ view: InstanceView, _ scope: CommandScope
    ) -> String? {
        guard let command = try? ParsedCommand.words(candidate),
            (try? ParsedCommand.parse(command.text)) != nil,
            (try? allowance(command, view, scope)) != nil
        else { return nil }
        return command.text
    }

    private func denial(_ error: CommandError, command: String) -> Decision {
        Decision(
            verdict: .deny, policy: name,
            command: command.prefix(byteCount: ParsedCommand.maximumByteCount),
            denial: .init(
                code: error.code.description, message: error.message, token: error.token,
                offset: error.offset))
    }
}
