/// Which programs may run, with which options and operands: everything else is denied.
package struct Policy: Sendable, Hashable {
    /// The policy's name, for the record and for people.
    package var name: String
    /// One rule for each program; the first with the program's name decides.
    package var rules: [ProgramRule]

    package init(name: String, rules: [ProgramRule]) {
        self.name = name
        self.rules = rules
    }

    /// Decides a command as typed; what the grammar refuses is denied too.
    ///
    /// Touches no file; linear in the text (and in the table), for any text.
    package func decide(_ text: String) -> Decision {
        do throws(CommandError) {
            return decide(try ParsedCommand.parse(text))
        } catch {
            return denial(error, command: text)
        }
    }

    /// Decides the words of a caller that sends argv itself; no quoting is read.
    package func decide(argv: [String]) -> Decision {
        do throws(CommandError) {
            return decide(try ParsedCommand.words(argv))
        } catch {
            return denial(error, command: ParsedCommand.rendering(argv).text)
        }
    }

    /// Decides a command.
    package func decide(_ command: ParsedCommand) -> Decision {
        do throws(Refusal) {
            return try allowance(command)
        } catch {
            var denied = denial(error.error, command: command.text)
            denied.argv = command.argv
            if let rule = rule(for: command) {
                denied.rule = "\(name)/\(rule.program)"
                denied.writes = rule.writes
            }
            denied.denial?.nearest = error.candidate.flatMap(nearest)
            return denied
        }
    }

    /// The rule with the program's name, byte for byte.
    package func rule(for command: ParsedCommand) -> ProgramRule? {
        guard let program = command.words.first else { return nil }
        return rules.first { $0.program.hasSameBytes(as: program.text) }
    }

    private func allowance(_ command: ParsedCommand) throws(Refusal) -> Decision {
        guard let rule = rule(for: command) else { throw unknownProgram(command) }
        var reader = InvocationReader(rule: rule, command: command)
        let invocation = try reader.read()
        try rule.operands.check(invocation, of: command, program: rule.program)
        let operands = invocation.operandIndices.map { command.words[$0].text }
        return Decision(
            verdict: .allow, policy: name, rule: "\(name)/\(rule.program)", command: command.text,
            argv: command.argv, writes: rule.writes, guards: rule.operands.guarded ? operands : [],
            limits: rule.limits)
    }

    /// A candidate as text, if it parses and is allowed.
    private func nearest(_ candidate: [String]) -> String? {
        guard let command = try? ParsedCommand.words(candidate), (try? allowance(command)) != nil
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
