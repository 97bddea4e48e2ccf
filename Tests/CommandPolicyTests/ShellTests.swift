import CommandPolicy
import Testing

@Suite struct ShellTests {
    private static let pieces = [
        "a", "b", "ls", "-l", "x9", " ", " ", "\t", "'", "'", "\"", "\"", "\\", "\\", "''", "\"\"",
        "é", "\u{301}", "\u{81}", "\u{85}", "\u{2028}", "😀", "\u{1}", "\u{7F}", "\n", "\r", "=",
        "!", "#", "~", "]", "%", "^", ",", ":", "/", "-", "--", "$", "`", "*", "?", "[", "{", "}",
        "|", "&", ";", "<", ">", "(", ")", "1", "0", "n", "c",
    ]

    @Test func `20,000 random argv come back from quoting as they were`() throws {
        var generator = SeededGenerator(seed: 1)
        for round in 0..<20_000 {
            let argv = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                (0..<Int.random(in: 0...8, using: &generator)).map { _ in
                    Self.pieces.pick(&generator, else: "a")
                }.joined()
            }
            let text = argv.map(ParsedCommand.shellQuoted).joined(separator: " ")
            let parsed = try ParsedCommand.parse(text)
            try #require(
                parsed.argv.map { Array($0.utf8) } == argv.map { Array($0.utf8) }, "\(round)")
            try #require(try ParsedCommand.words(argv) == parsed)
        }
    }

    @Test func `what is accepted, a real shell reads to the same words`() throws {
        var generator = SeededGenerator(seed: 2)
        var accepted: [ParsedCommand] = []
        while accepted.count < 6_000 {
            let text = (0..<Int.random(in: 1...12, using: &generator)).map { _ in
                Self.pieces.pick(&generator, else: "a")
            }.joined()
            if let command = try? ParsedCommand.parse(text) { accepted.append(command) }
        }
        let script = accepted.map { "printf '%s\\000' @ \($0.text)\n" }.joined()
        let run = try runShell(Array(script.utf8))
        try #require(run.status == 0)
        let words = run.output.split(separator: 0, omittingEmptySubsequences: false).dropLast()
        // `@` is in no piece, so it marks where the words of one command begin.
        let commands = words.split(
            separator: Array("@".utf8)[...], omittingEmptySubsequences: false
        ).dropFirst()
        try #require(commands.count == accepted.count)
        for (expected, command) in zip(commands, accepted) {
            try #require(
                command.argv.map { Array($0.utf8) } == expected.map { Array($0) },
                "\(command.text.debugDescription)")
        }
    }
}
