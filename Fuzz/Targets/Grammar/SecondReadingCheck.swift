internal import AgentReading
internal import CommandPolicy
internal import FuzzReference
internal import FuzzSupport
internal import Glibc

/// The agent's second reading against the other two, and against glibc what it makes of an `rm`.
enum SecondReadingCheck {
    /// - Parameters:
    ///   - text: What was typed.
    ///   - command: The server's reading of it; nil when it was refused.
    static func check(_ text: inout String, _ command: ParsedCommand?) {
        let second = text.withUTF8 { bytes in
            SecondReading.isShort(bytes) ? SecondReading.words(of: bytes) : nil
        }
        guard let command else {
            require(second == nil, "the second reading takes what the server refuses")
            return
        }
        guard let second else { finding("the second reading refuses what the server accepts") }
        compare(second, command, "as typed")
        var written = command.text
        if let received = try? ParsedCommand.words(command.argv) { written = received.text }
        guard let again = SecondReading.words(of: written.utf8) else {
            finding("the second reading refuses what the agent writes down")
        }
        compare(again, command, "as written down")
        if second[0] == Array("rm".utf8) { checkRemoval(second, command) }
    }

    private static func compare(_ second: [[UInt8]], _ command: ParsedCommand, _ text: String) {
        require(
            second.count == command.words.count,
            "the second reading has \(second.count) words \(text), the server \(command.words.count)"
        )
        for (index, word) in command.words.enumerated() {
            let isSame = second[index].withUnsafeBufferPointer {
                word.text.isBytes($0.baseAddress, $0.count)
            }
            require(isSame, "the second reading has another word \(index) \(text) than the server")
        }
    }

    // MARK: - rm

    private static let longNames = ["dir", "force", "one-file-system", "recursive", "verbose"]
    private static let letters = Array("dfrRv".utf8)

    private static let removal: RemovalReading = {
        var reading = RemovalReading()
        reading.letters = Set(letters)
        reading.longWords = Set(longNames.map { Array("--\($0)".utf8) })
        reading.longWords.formUnion(
            ["--preserve-root", "--preserve-root=all"].map { Array($0.utf8) })
        return reading
    }()

    /// The same for getopt_long(3).
    private static let table: CInt = {
        let table = options_table()
        for letter in letters { options_add(table, letter, nil, OPTION_BARE) }
        for name in longNames { options_add(table, 0, name, OPTION_BARE) }
        options_add(table, 0, "preserve-root", OPTION_OPTIONAL)
        return table
    }()

    private static func checkRemoval(_ words: [[UInt8]], _ command: ParsedCommand) {
        let strings = command.argv.map { strdup($0) }
        defer { strings.forEach { free($0) } }
        let (failed, operands) = strings.map { UnsafePointer($0) }.withUnsafeBufferPointer {
            strings in
            let reading = options_read(table, CInt(strings.count), strings.baseAddress).pointee
            return (
                reading.event_count > 0
                    && reading.events[reading.event_count - 1].kind != OPTION_TAKEN,
                (0..<reading.operand_count).map { words[Int(reading.operands[$0])] }
            )
        }
        let isForbidden = operands.contains {
            $0.withUnsafeBufferPointer {
                operand_is_forbidden($0.baseAddress, $0.count)
            }
        }
        do throws(RemovalReading.Objection) {
            let found = try removal.operands(of: words)
            require(!failed, "the second reading takes options of rm that glibc refuses")
            require(found == operands, "the second reading has other operands of rm than glibc")
            require(!isForbidden, "the second reading lets rm have an operand that it must not")
        } catch .unknownOption {
            // glibc takes abbreviations of long names, and any value.
            require(
                failed || words.contains { $0.count > 2 && $0.starts(with: "--".utf8) },
                "the second reading refuses an option of rm that glibc takes")
        } catch {
            require(isForbidden, "the second reading refuses operands of rm for nothing: \(error)")
        }
    }
}
