import CommandPolicy
import Foundation
import PolicyDocuments
import Testing

@Suite struct GrammarTests {
    @Test func `the page's accepted examples give the words that it says`() throws {
        let rows = try GrammarPage().rows(columnCount: 2)
        #expect(rows.count >= 13)
        for row in rows {
            let text = try decoded(String.self, row[0])
            let parsed = try ParsedCommand.parse(text)
            let words = try decoded([String].self, row[1])
            #expect(parsed.argv.map(bytes) == words.map(bytes), "\(row[0])")
        }
    }

    @Test func `the page's refused examples give the code, offset and token that it says`() throws {
        let rows = try GrammarPage().rows(columnCount: 5)
        #expect(rows.count >= 30)
        for row in rows where row[1].hasPrefix("\"") {
            let text = try decoded(String.self, row[1])
            let error = try #require(throws: CommandError.self, "\(row[1])") {
                try ParsedCommand.parse(text)
            }
            #expect(error.code.description == row[0], "\(row[1])")
            #expect(error.offset == Int(row[2]), "\(row[1])")
            let token = row[3].isEmpty ? nil : try decoded(String.self, row[3])
            #expect(error.token.map(bytes) == token.map(bytes), "\(row[1])")
        }
    }

    @Test func `the page names every code`() throws {
        let page = try GrammarPage().text
        let source = try String(
            contentsOf: repository.appending(path: "Sources/CommandPolicy/CommandError.swift"),
            encoding: .utf8)
        let codes = source.matches(of: /description: "([a-z_]+)"/).map(\.output.1)
        #expect(codes.count == 44)
        for code in codes { #expect(page.contains("`\(code)`"), "\(code)") }
    }

    @Test func `offsets of words count bytes, and quotes belong to their word`() throws {
        let parsed = try ParsedCommand.parse("ls  é 'a b' \"😀\"x")
        #expect(parsed.words.map(\.offset) == [0, 4, 7, 13])
        #expect(parsed.words.map(\.byteCount) == [2, 2, 5, 7])
        #expect(parsed.argv == ["ls", "é", "a b", "😀x"])
    }

    @Test(arguments: [
        ("ls\r\nrm", "newline", 2),
        ("ls\n", "newline", 2),
        ("ls '\u{301}", "unbalanced_quote", 3),
        ("ls '\u{301}a'\u{301}", nil, 0),
        ("ls ;\u{338} rm", "sequence", 3),
        ("ls \u{1F468}\u{200D}|", "pipe", 10),
        ("ls \u{37E}", nil, 0),
        ("ls \u{1FEF}", nil, 0),
    ])
    func `marks and look-alikes do not hide a byte, nor stand for one`(
        text: String, code: String?, offset: Int
    ) throws {
        do throws(CommandError) {
            _ = try ParsedCommand.parse(text)
            #expect(code == nil)
        } catch {
            #expect(error.code.description == code)
            #expect(error.offset == offset)
        }
    }

    @Test(arguments: [
        "rm " + String(repeating: "a", count: 506) + "\\ b",
        "ls \"" + String(repeating: "'", count: 140) + "\"",
    ])
    func `what the server reads, the agent reads from its words`(text: String) throws {
        // Quoting makes the words longer than they were typed; found by `bin/fuzz grammar`.
        let parsed = try ParsedCommand.parse(text)
        #expect(try ParsedCommand.words(parsed.argv).argv == parsed.argv)
    }

    @Test func `the first code point beyond the limit is to blame, however many bytes there are`() {
        #expect(throws: CommandError.self) {
            do {
                _ = try ParsedCommand.parse("ls " + String(repeating: "a", count: 3000))
            } catch let error as CommandError {
                #expect(error.offset == 512)
                throw error
            }
        }
    }

    @Test func `names that differ only in normalisation are different words`() throws {
        let composed = try ParsedCommand.parse("rm caf\u{E9}")
        let decomposed = try ParsedCommand.parse("rm cafe\u{301}")
        #expect(composed != decomposed)
        #expect(composed.words[1] != decomposed.words[1])
        #expect(Set([composed, decomposed, composed]).count == 2)
        #expect(
            Policy.vast.decide("rm caf\u{E9}") != Policy.vast.decide("rm cafe\u{301}"))
    }

    @Test func `512 scalars are allowed and 513 are not, whatever they combine to`() throws {
        let marks = String(repeating: "\u{301}", count: 509)
        #expect(try ParsedCommand.parse("ls " + marks).words.count == 2)
        let error = try #require(throws: CommandError.self) {
            try ParsedCommand.parse("ls " + marks + "\u{301}")
        }
        #expect(error.code == .tooLong)
        #expect(error.offset == 3 + 509 * 2)
        let wide = String(repeating: "\u{1F600}", count: 509)
        #expect(try ParsedCommand.parse("ls " + wide).text.utf8.count == 2039)
        for count in [100_000, 2_000_000] {
            let text = "l" + String(repeating: "\u{301}", count: count)
            #expect(text.count == 1)
            #expect(throws: CommandError.self) { try ParsedCommand.parse(text) }
            let denied = Policy.vast.decide(text)
            #expect(denied.denial?.code == "too_long")
            #expect(denied.command.utf8.count == 2047)
        }
    }

    @Test func `every control byte is refused bare and taken in quotes, but NUL never is`() throws {
        for byte in [UInt8](0...31) + [127] {
            let character = String(UnicodeScalar(byte))
            let isAllowed = { (text: String) in (try? ParsedCommand.parse(text)) != nil }
            #expect(isAllowed("ls a\(character)b") == (byte == 9), "\(byte)")
            #expect(isAllowed("ls 'a\(character)b'") == (byte != 0), "\(byte)")
            #expect(isAllowed("ls \"a\(character)b\"") == (byte != 0), "\(byte)")
        }
    }

    @Test func `argv is taken as it is, and its text reads back to it`() throws {
        let argv = ["ls", "", "a b", "it's", "$HOME", "\n", "~", "#", "é", "-l", "!"]
        let command = try ParsedCommand.words(argv)
        #expect(command.argv == argv)
        #expect(command.text == "ls '' 'a b' 'it'\\''s' '$HOME' '\n' '~' '#' é -l '!'")
        #expect(try ParsedCommand.parse(command.text) == command)
    }

    @Test func `argv is refused when empty, too long or with a zero byte`() {
        let refusals: [([String], CommandError.Code)] = [
            ([], .missingCommand),
            (["ls", "a\0b"], .nulByte),
            (["ls", String(repeating: "a", count: 510)], .tooLong),
            (["ls", String(repeating: "'", count: 10_000_000)], .tooLong),
            (Array(repeating: "", count: 1_000_000), .tooLong),
        ]
        for (argv, code) in refusals {
            let error = #expect(throws: CommandError.self) { try ParsedCommand.words(argv) }
            #expect(error?.code == code)
            let denied = Policy.vast.decide(argv: argv)
            #expect(denied.denial?.code == code.description)
            #expect(denied.command.utf8.count <= ParsedCommand.maximumByteCount)
        }
    }

    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    private func decoded<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }
}

private let repository = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// The tables of `docs/command-grammar.md`.
private struct GrammarPage {
    let text: String

    init() throws {
        text = try String(
            contentsOf: repository.appending(path: "docs/command-grammar.md"), encoding: .utf8)
    }

    /// The cells of every row with so many columns, code marks taken off; headings left out.
    func rows(columnCount: Int) -> [[String]] {
        text.split(separator: "\n").filter { $0.hasPrefix("|") }.compactMap { line in
            let cells = line.replacingOccurrences(of: "\\|", with: "\u{1}")
                .split(separator: "|", omittingEmptySubsequences: false)
                .dropFirst().dropLast()
                .map { cell in
                    cell.replacingOccurrences(of: "\u{1}", with: "|")
                        .trimmingCharacters(in: CharacterSet(charactersIn: " "))
                }
                .map(withoutCodeMarks)
            let isHeading = cells.first.map { $0.hasPrefix("C") || $0.hasPrefix("---") } ?? true
            return cells.count == columnCount && !isHeading ? cells : nil
        }
    }

    private func withoutCodeMarks(_ cell: String) -> String {
        for mark in ["``", "`"] where cell.hasPrefix(mark) && cell.hasSuffix(mark) {
            return String(cell.dropFirst(mark.count).dropLast(mark.count))
        }
        return cell
    }
}
