import CommandPolicy
import PolicyDocuments
import Testing

/// Random option vectors, read by the policy and by the installed tools' getopt_long.
///
/// The tools run in an empty folder on names that do not exist; no word of an `rm` has a `/`.
@Suite(.enabled(if: hasTableTools, "the tables are those of GNU coreutils 9.1"))
struct ToolTests {
    @Test(arguments: [("ls", 800), ("du", 800), ("rm", 400)])
    func `options are told apart as the real tool does`(program: String, count: Int) throws {
        let rule = try #require(Policy.vast.rules.first { $0.program == program })
        var generator = SeededGenerator(seed: 4)
        let commands = (0..<count).map { _ in randomCommand(rule, &generator) }
        if program == "rm" {
            try #require(commands.allSatisfy { $0.allSatisfy { !$0.contains("/") && $0 != ".." } })
        }
        let errors = try runTools(commands)
        var codes: [String: Int] = [:], comparedOperands = 0
        for (command, lines) in zip(commands, errors) {
            let parsed = try ParsedCommand.words(command)
            let comment: Comment = "\(parsed.text) → \(lines)"
            do throws(CommandError) {
                let invocation = try rule.invocation(of: parsed)
                codes["allow", default: 0] += 1
                #expect(lines.allSatisfy { usageError($0) == nil }, comment)
                // Then a missing operand may be passed over without a word.
                let isSilent = invocation.options.contains {
                    ["force", "exclude"].contains($0.rule.long)
                }
                let missing = lines.compactMap(missingOperand)
                if missing.count == lines.count, !isSilent {
                    #expect(missing == invocation.operandIndices.map { command[$0] }, comment)
                    comparedOperands += 1
                }
            } catch {
                codes[error.code.description, default: 0] += 1
                let token = error.token ?? ""
                switch error.code {
                case .unknownOption, .missingValue, .unexpectedValue:
                    #expect(lines.lazy.compactMap(usageError).first == error.code, comment)
                case .abbreviatedOption, .refusedOption:
                    #expect(
                        !lines.contains {
                            usageError($0) == .unknownOption
                                && ($0.contains("'\(token)'") || $0.contains("'\(token)="))
                        }, comment)
                case .badValue: break
                default: Issue.record(comment)
                }
            }
        }
        // All kinds of outcome were met, so the vectors test what they are meant to.
        var expected = [
            "allow", "unknown_option", "unexpected_value", "abbreviated_option", "refused_option",
        ]
        // No option of rm needs a value, and few may have one.
        if program != "rm" { expected += ["missing_value", "bad_value"] }
        for code in expected { #expect((codes[code] ?? 0) >= 10, "\(code): \(codes)") }
        #expect(comparedOperands >= 20, "\(comparedOperands)")
    }

    private func randomCommand(
        _ rule: ProgramRule, _ generator: inout SeededGenerator
    ) -> [String] {
        [rule.program]
            + (0..<Int.random(in: 1...4, using: &generator)).flatMap { _ in
                randomWords(rule, &generator)
            }
    }

    private func randomWords(
        _ rule: ProgramRule, _ generator: inout SeededGenerator
    ) -> [String] {
        let longs = rule.options.compactMap(\.long).filter { $0 != "help" && $0 != "version" }
        let shorts = rule.options.compactMap(\.short).map { String(UnicodeScalar($0)) }
        let values = [
            "80", "K", "auto", "always", "atime", "+1", "x", "", "-1", "all", "iso", "none",
        ]
        let long = longs.pick(&generator, else: "all")
        let value = values.pick(&generator, else: "80")
        switch Int.random(in: 0..<16, using: &generator) {
        case 0...4:
            let letters = (0..<Int.random(in: 1...3, using: &generator)).map { _ in
                shorts.pick(&generator, else: "a")
            }
            return ["-" + letters.joined()]
        case 5: return ["-" + shorts.pick(&generator, else: "a"), value]
        case 6: return ["-" + shorts.pick(&generator, else: "a") + value]
        case 7, 8: return ["--" + long]
        case 9: return ["--" + long + "=" + value]
        case 10: return ["--" + long, value]
        case 11:
            let count = Int.random(in: 0..<long.utf8.count, using: &generator)
            // `--` alone is the end of options, which comes below.
            return ["--" + long.prefix(max(1, count)) + ["", "=x"].pick(&generator, else: "")]
        case 12: return ["--" + long + "s", "-%", "-é", "--no", "-A-", "-W"].pick1(&generator)
        case 13: return ["--"]
        default: return ["zz1", "zz2", "-", "80"].pick1(&generator)
        }
    }

    /// What getopt_long, or the check of a value, says; nil for any other line.
    private func usageError(_ line: String) -> CommandError.Code? {
        let texts: [(String, CommandError.Code)] = [
            ("unrecognized option", .unknownOption), ("invalid option --", .unknownOption),
            ("requires an argument", .missingValue),
            ("doesn't allow an argument", .unexpectedValue),
            ("is ambiguous", .abbreviatedOption), ("may not abbreviate", .abbreviatedOption),
            ("invalid argument", .badValue), ("ambiguous argument", .badValue),
            ("invalid line width", .badValue), ("invalid tab size", .badValue),
            ("invalid maximum depth", .badValue), ("invalid suffix", .badValue),
            ("too large", .badValue), ("invalid time style", .badValue),
            ("unrecognized --", .badValue),
        ]
        if let known = texts.first(where: { line.contains($0.0) }) { return known.1 }
        return line.contains("invalid") && line.contains("argument '") ? .badValue : nil
    }

    /// The operand in "ls: cannot access 'zz1': No such file or directory".
    private func missingOperand(_ line: String) -> String? {
        (line.firstMatch(of: /cannot (?:access|remove) '([^']*)': No such file/)?.output.1)
            .map(String.init)
    }
}

extension [String] {
    /// One random element, as an array.
    fileprivate func pick1(_ generator: inout SeededGenerator) -> [String] {
        [pick(&generator, else: "x")]
    }
}
