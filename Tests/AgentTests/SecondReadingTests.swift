import AgentLink
import CommandPolicy
import Foundation
import PolicyDocuments
import Testing

@testable import Agent

@Suite struct SecondReadingTests {
    @Test func `the page's accepted examples are the same words to both readings`() throws {
        let rows = try GrammarRows(columnCount: 2)
        #expect(rows.all.count >= 13)
        for row in rows.all {
            let text = try GrammarRows.decoded(String.self, row[0])
            let words = try GrammarRows.decoded([String].self, row[1]).map(bytes)
            #expect(SecondReading.words(of: text.utf8) == words, "\(row[0])")
            #expect(try ParsedCommand.parse(text).argv.map(bytes) == words, "\(row[0])")
        }
    }

    @Test func `the page's refused examples are refused by both readings`() throws {
        let rows = try GrammarRows(columnCount: 5).all.filter { $0[1].hasPrefix("\"") }
        #expect(rows.count >= 30)
        for row in rows {
            let text = try GrammarRows.decoded(String.self, row[1])
            #expect(SecondReading.words(of: text.utf8) == nil, "\(row[1])")
            #expect(throws: CommandError.self, "\(row[1])") { try ParsedCommand.parse(text) }
        }
    }

    @Test func `both readings end at the same length`() {
        for count in 500...520 {
            for unit in ["a", "\u{301}", "\u{1F600}"] {
                let text = "ls " + String(repeating: unit, count: count)
                #expect(
                    SecondReading.isShort(Array(text.utf8))
                        == ((try? ParsedCommand.parse(text)) != nil), "\(count) × \(unit)")
            }
        }
    }

    @Test func `each byte in each place is the same to both readings`() throws {
        for byte in UInt8(0)...127 {
            let character = String(UnicodeScalar(byte))
            for text in [
                "\(character)", "\(character)b", "ls a\(character)b", "ls a \(character) b",
                "ls 'a\(character)b'", "ls \"a\(character)b\"", "ls a\\\(character)b",
                "ls \"a\\\(character)b\"", "ls ''\(character)b", "'\(character)' b",
                "\(character)'' b", "\\\(character) b",
            ] {
                #expect(
                    SecondReading.words(of: text.utf8)
                        == (try? ParsedCommand.parse(text))?.argv.map(bytes),
                    "\(text.debugDescription)")
            }
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
}

@Suite struct RemovalReadingTests {
    @Test(arguments: [
        (["rm", "-rf", "a", "--verbose", "b"], ["a", "b"]),
        (
            ["rm", "a", "-f", "--", "-r", "--", "--no-preserve-root"],
            ["a", "-r", "--", "--no-preserve-root"]
        ),
        (["rm", "-", "--preserve-root=all", "x\ny"], ["-", "x\ny"]),
        (["rm", "-f"], []),
        (["rm", "--help"], []),
    ])
    func `what rm is to remove`(argv: [String], operands: [String]) throws {
        #expect(try Self.operands(argv) == operands)
        #expect(Policy.vast.decide(argv: argv).guards == operands)
    }

    private static let refused: [([String], RemovalReading.Objection)] = [
        (["rm", "-rx", "a"], .unknownOption),
        (["rm", "-i", "a"], .unknownOption),
        (["rm", "a", "--no-preserve-root"], .unknownOption),
        (["rm", "--rec", "a"], .unknownOption),
        (["rm", "--recursive=yes", "a"], .unknownOption),
        (["rm", "--preserve-root=none", "a"], .unknownOption),
        (["rm", "-r-", "a"], .unknownOption),
        (["rm", "--", "a", ""], .forbiddenOperand),
        (["rm", "//"], .forbiddenOperand),
        (["rm", "a/../"], .forbiddenOperand),
        (["rm", "./."], .forbiddenOperand),
        (["rm", "-r"], .tooFewOperands),
        (["rm", "--"], .tooFewOperands),
        (["rmdir", "a"], .noRemoval),
    ]

    @Test(arguments: refused)
    func `what rm must not be given`(argv: [String], objection: RemovalReading.Objection) {
        let error = #expect(throws: RemovalReading.Objection.self) { try Self.operands(argv) }
        #expect(error == objection)
        #expect(Policy.vast.decide(argv: argv).denial != nil)
    }

    @Test func `a rule's bound on operands holds`() throws {
        var reading = try Self.reading()
        reading.maximumCount = 2
        let words = { (argv: [String]) in argv.map { Array($0.utf8) } }
        #expect(try reading.operands(of: words(["rm", "a", "b"])).count == 2)
        let error = #expect(throws: RemovalReading.Objection.self) {
            try reading.operands(of: words(["rm", "a", "b", "-f", "c"]))
        }
        #expect(error == .tooManyOperands)
    }

    /// All commands of up to three arguments of these.
    @Test func `policy and second reading allow the same, with the same operands`() throws {
        let arguments = [
            "-r", "-fv", "-i", "-", "--", "--force", "--forc", "--interactive=never",
            "--preserve-root",
            "--preserve-root=all", "---presume-input-tty", "--help", "a", "", "/", "b/..", "..c",
            "-rR",
        ]
        var commands = [["rm"]]
        var allowedCount = 0
        for _ in 1...3 {
            commands = commands.flatMap { command in arguments.map { command + [$0] } }
            for argv in commands {
                let decision = Policy.vast.decide(argv: argv)
                let operands = try? Self.operands(argv)
                #expect(operands == (decision.denial == nil ? decision.guards : nil), "\(argv)")
                if operands != nil { allowedCount += 1 }
            }
        }
        #expect(allowedCount > 1000)
    }

    private static func reading() throws -> RemovalReading {
        RemovalReading(try #require(Policy.vast.rules.first { $0.program == "rm" }))
    }

    private static func operands(_ argv: [String]) throws -> [String] {
        try reading().operands(of: argv.map { Array($0.utf8) }).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

@Suite struct ReadingCheckTests {
    /// What a bug in the reading that the server uses too could make of an order.
    @Test(arguments: [
        (["rm", "-r", "a b"], ["rm", "-r", "a", "b"]),
        (["rm", "-r", "a b"], ["rm", "-r", "A b"]),
        (["rm", "caf\u{E9}"], ["rm", "cafe\u{301}"]),
        (["ls", "a"], ["ls"]),
    ])
    func `a decision on other words than the order's is refused`(
        argv: [String], other: [String]
    ) throws {
        try expectRefusal(of: argv) { $0.argv = other }
    }

    @Test(arguments: [["a"], ["b", "a"], ["a", "b", "c"], []])
    func `an rm of other operands than those that are guarded is refused`(guards: [String]) throws {
        try expectRefusal(of: ["rm", "-r", "a", "b"]) { $0.guards = guards }
    }

    @Test(arguments: [
        "rm -r a", "rm -r 'a b' c", "rm -r a\\ b\\", "rm -r 'a b' ; ls", "rm -r \"a $b\"", "",
    ])
    func `a text that is not the words of the order is refused`(text: String) throws {
        try expectRefusal(of: ["rm", "-r", "a b"]) { $0.command = text }
    }

    @Test func `an rm that is said to be something else is refused`() throws {
        try expectRefusal(of: ["rm", "-r", "a"]) { $0.rule = "vast/ls" }
        try expectRefusal(of: ["rm", "-r", "a"]) { $0.rule = nil }
        try expectRefusal(of: ["ls", "-l"]) { $0.writes = true }
    }

    @Test(arguments: [
        ["rm", "-r", "--no-preserve-root", "a"], ["rm"], ["rm", "/"], ["rm", "a/.."],
        ["/bin/rm", "a"], ["rm\n", "a"], ["rm", "a\0b"],
        ["rm", String(repeating: "a", count: 510)],
    ])
    func `a decision that allows what it must not is refused`(argv: [String]) throws {
        #expect(Policy.vast.decide(argv: argv).denial != nil)
        try expectRefusal(of: argv, decided: ["rm", "-r", "a"]) { decision in
            decision.argv = argv
            decision.command = argv.map(ParsedCommand.shellQuoted).joined(separator: " ")
            decision.guards = argv.dropFirst().filter { !$0.hasPrefix("-") }
        }
    }

    @Test(arguments: [
        ["rm", "-rf", "--", "-a", "it's", "$HOME", "\n", "~", "#", "é", "*"],
        ["rm", "--force"], ["ls", "", "!"], ["du", "-sh", "/tmp"],
        ["rm", String(repeating: "'", count: 509)],
    ])
    func `what both read alike is run as it was sent`(argv: [String]) throws {
        let decision = try MachinePolicy(.vast).decide(Self.order(argv))
        #expect(decision.argv.map { Array($0.utf8) } == argv.map { Array($0.utf8) })
    }

    /// - Parameters:
    ///   - argv: The order's words.
    ///   - decided: The words that the decision was made about; those of the order, unless said.
    ///   - bug: What goes wrong then.
    /// - Throws: When it is not refused, or would be without the bug.
    private func expectRefusal(
        of argv: [String], decided: [String]? = nil, _ bug: (inout Decision) -> Void
    ) throws {
        let machine = MachinePolicy(.vast)
        var decision = Policy.vast.decide(argv: decided ?? argv)
        let order = Self.order(argv)
        if decided == nil { _ = try machine.accept(decision, for: order) }
        bug(&decision)
        let refusal = try #require(throws: CommandRefusal.self, "\(argv)") {
            try machine.accept(decision, for: order)
        }
        #expect(refusal.outcome == .denied)
        #expect(refusal.isAlarm)
        #expect(refusal.note.hasPrefix("readings_differ: "), "\(refusal.note)")
        #expect(refusal.note.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F })
    }

    @Test(arguments: ["rm b", "rm a b", "rm 'a", "rm a; ls", ""])
    func `a typed text that is not the words of its order is refused`(text: String) throws {
        let order = Self.order(["rm", "a"], text: text)
        let machine = MachinePolicy(.vast)
        let decision = try machine.decide(Self.order(["rm", "a"]))
        let refusal = try #require(throws: CommandRefusal.self) {
            try machine.accept(decision, for: order)
        }
        #expect(refusal.note.hasPrefix("readings_differ: "), "\(refusal.note)")
    }

    private static func order(_ argv: [String], text: String? = nil) -> RunCommand {
        RunCommand(
            commandID: 1, containerID: String(repeating: "0", count: 64),
            command: text ?? ((try? ParsedCommand.words(argv))?.text ?? ""), argv: argv,
            policy: "vast",
            writes: argv.first.map { $0 != "ls" && $0 != "du" } ?? false, limits: CommandLimits(),
            timeoutMilliseconds: 1000, startWithinMilliseconds: 1000, outputLimit: 1000,
            accountID: 1)
    }
}

/// The tables of `docs/command-grammar.md`: the rows with so many columns, code marks taken off.
private struct GrammarRows {
    let all: [[String]]

    init(columnCount: Int) throws {
        let page = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "docs/command-grammar.md")
        all = try String(contentsOf: page, encoding: .utf8).split(separator: "\n").compactMap {
            line in
            guard line.hasPrefix("| `") else { return nil }
            let cells = line.replacing("\\|", with: "\u{1}")
                .split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
                .map { $0.replacing("\u{1}", with: "|").trimmingCharacters(in: .whitespaces) }
            return cells.count == columnCount ? cells.map(Self.withoutMarks) : nil
        }
    }

    private static func withoutMarks(_ cell: String) -> String {
        for mark in ["``", "`"] where cell.hasPrefix(mark) && cell.hasSuffix(mark) {
            return String(cell.dropFirst(mark.count).dropLast(mark.count))
        }
        return cell
    }

    static func decoded<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }
}
