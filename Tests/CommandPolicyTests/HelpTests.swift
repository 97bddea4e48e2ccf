import CommandPolicy
import PolicyDocuments
import Testing

/// The tables against what the installed tools say about themselves.
@Suite(.enabled(if: hasTableTools, "the tables are those of GNU coreutils 9.1"))
struct HelpTests {
    @Test(arguments: ["ls", "du", "rm"])
    func `every option of --help is in the table, and no other`(program: String) throws {
        let rule = try #require(Policy.vast.rules.first { $0.program == program })
        var help: [String: Set<OptionRule.Argument>] = [:]
        let run = try runShell(Array("\(program) --help".utf8))
        // "  -w, --width=COLS  text", "      --color[=WHEN]  text", "  -r, -R, --recursive  text"
        let line =
            /^ {2,6}(?:-([A-Za-z0-9]))?(?:, -([A-Za-z0-9]))?(?:, )?(?:--([a-z0-9-]+)(\[=|=)?)?[^ ]*(?: |$)/
        for text in String(decoding: run.output, as: UTF8.self).split(separator: "\n") {
            guard let match = text.firstMatch(of: line)?.output else { continue }
            let argument: OptionRule.Argument =
                switch match.4 {
                case .some("="): .required
                case .some: .optional
                case nil: .none
                }
            for short in [match.1, match.2].compactMap(\.self) {
                help["-\(short)", default: []].insert(argument)
            }
            if let long = match.3 { help["--\(long)", default: []].insert(argument) }
        }
        // Written there as `-p, --indicator-style=slash` and `-F, --classify[=WHEN]`: the value
        // is that of the long name only. Optional: `--time` and `--time=WORD` on two lines.
        if program == "ls" {
            help["-p"] = [.none]
            help["-F"] = [.none]
        }
        var table: [String: Set<OptionRule.Argument>] = [:]
        for option in rule.options {
            if let short = option.short {
                table["-\(UnicodeScalar(short))", default: []].insert(option.argument)
            }
            if let long = option.long, long != "-presume-input-tty" {
                table["--\(long)", default: []].insert(option.argument)
            }
        }
        for (name, arguments) in help where arguments == [.none, .required] {
            help[name] = [.optional]
        }
        #expect(help.count > 12)
        #expect(Set(help.keys).symmetricDifference(table.keys).isEmpty)
        for (name, arguments) in help { #expect(table[name] == arguments, "\(name)") }
        for option in rule.options { #expect(option.refusal?.isEmpty != true) }
    }

    @Test func `no option is in a table twice`() {
        for rule in Policy.vast.rules {
            let shorts = rule.options.compactMap(\.short), longs = rule.options.compactMap(\.long)
            #expect(Set(shorts).count == shorts.count, "\(rule.program)")
            #expect(Set(longs).count == longs.count, "\(rule.program)")
        }
    }

    @Test func `every value that the tables allow, the tools take`() throws {
        let samples: (ValueCheck) -> [String] = { check in
            switch check {
            case .text: ["", "*", String(repeating: "x", count: 400)]
            case .word(let words): words
            case .characters(let characters, _): [String(characters.prefix(1))]
            case .integer(let range): ["\(range.lowerBound)", "7", "\(range.upperBound)"]
            case .blockSize:
                [
                    "1", "K", "k", "1k", "'1K", "512", "10M", "MB", "MiB", "7E", "'si", "si",
                    "human-readable",
                ]
                    + ["K", "M", "G", "T", "P", "E"].flatMap { ["1\($0)", "3\($0)B", "3\($0)iB"] }
            case .threshold:
                ["0", "1", "-1", "7E", "-7E", "1k", "9223372036854775807", "-9223372036854775807"]
                    + ["K", "M", "G", "T", "P", "E"].flatMap { ["1\($0)", "-3\($0)B", "3\($0)iB"] }
            case .timeStyle(let words): words + ["+", "+%F %T", "+%-d%_H%99N%", "+%Y\n%H"]
            }
        }
        var commands: [[String]] = []
        for rule in Policy.vast.rules {
            for option in rule.options where option.argument != .none && option.refusal == nil {
                for value in samples(option.value) {
                    #expect(option.value.allows(value), "\(value)")
                    // With what makes the tool look at a time style.
                    let looking =
                        ["ls": ["-l"], "du": ["--time"], "rm": ["-f"]][rule.program] ?? []
                    if let long = option.long {
                        commands.append([rule.program] + looking + ["--\(long)=\(value)"])
                    }
                    if let short = option.short {
                        commands.append(
                            [rule.program] + looking + ["-\(UnicodeScalar(short))", value])
                    }
                }
            }
        }
        #expect(commands.count > 150)
        let run = try runTools(commands)
        for (command, lines) in zip(commands, run) {
            #expect(Policy.vast.decide(argv: command).verdict == .allow, "\(command)")
            #expect(lines == [], "\(command)")
        }
    }
}

/// Runs each command in an empty folder; gives the lines that each wrote to standard error.
func runTools(_ commands: [[String]]) throws -> [[String]] {
    let script = commands.map { command in
        command.map(quoted).joined(separator: " ") + " 2>&1 >/dev/null </dev/null; printf '\\036'\n"
    }.joined()
    let run = try runShell(Array(script.utf8))
    let outputs = run.output.split(separator: 0x1E, omittingEmptySubsequences: false).dropLast()
    try #require(outputs.count == commands.count)
    return outputs.map { output in
        output.split(separator: UInt8(ascii: "\n")).map { String(decoding: $0, as: UTF8.self) }
    }
}
