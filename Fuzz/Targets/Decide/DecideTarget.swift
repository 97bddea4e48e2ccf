internal import CommandPolicy
internal import FuzzReference
internal import FuzzSupport
internal import PolicyDocuments

/// A command's words, one a line, the program first: the policy tells options, values and operands apart
/// as glibc does, and keeps to what it says.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzDecide(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: bytes, count: count)
    var words = input.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map {
        String(decoding: $0, as: UTF8.self)
    }
    // No argument can hold a zero byte; that such words are refused is the grammar's to show.
    guard !words.isEmpty, !input.contains(0) else { return -1 }
    if !Tables.programs.contains(where: { $0.isSameBytes(as: words[0]) }) {
        let sum = words[0].utf8.reduce(0) { $0 + Int($1) }
        words[0] = Tables.programs[sum % Tables.programs.count]
    }
    guard let command = try? ParsedCommand.words(words) else { return -1 }
    for table in Tables.all where table.rule.program.isSameBytes(as: words[0]) {
        checkReading(of: command, by: table)
    }
    DecisionCheck(Tables.policy).check(command)
    return 0
}

/// The tables under test, made once.
enum Tables {
    /// Every shipped rule is in it.
    static let policy = Policy.diagnose
    static let programs = policy.programs
    /// Those that are read as getopt reads; `tree`, for one, is not.
    static let all = policy.rules.filter { rule in
        rule.syntax == .getopt && rule.options.allSatisfy { $0.argument != .separate }
    }.map(OptionTable.init)
    private static let byRule = Dictionary(uniqueKeysWithValues: all.map { ($0.rule.id, $0) })

    /// The table of a rule that is read as getopt reads.
    static func table(of rule: ProgramRule) -> OptionTable {
        guard let table = byRule[rule.id] else { finding("\(rule.id) has no table") }
        return table
    }
}

private func checkReading(of command: ParsedCommand, by table: OptionTable) {
    let lenient = Result { () throws(CommandError) in try table.lenient.invocation(of: command) }
    if table.hasOldForm(command.argv) {
        guard case .failure(let error) = lenient, error.code == .unknownOption else {
            finding("\(table.rule.id) takes an option of before POSIX for an operand")
        }
        return
    }
    let reading = table.read(command.argv)
    switch lenient {
    case .success(let invocation): compare(invocation, reading, table)
    case .failure(let error): checkFailure(error, reading, of: command, by: table)
    }
    do throws(CommandError) {
        let strict = try table.rule.invocation(of: command)
        compare(strict, reading, table)
        require(
            reading.events.allSatisfy { table.isAllowed($0) },
            "\(table.rule.id) takes an option that it refuses")
    } catch {
        if error.code == .refusedOption || error.code == .badValue {
            require(
                reading.events.contains { $0.option >= 0 && !table.isAllowed($0) },
                "\(table.rule.id) says \(error.code), and glibc reads only what is allowed")
        } else if case .failure(let same) = lenient {
            require(
                error.code == same.code && error.offset == same.offset,
                "\(table.rule.id) says \(error.code), and \(same.code) with every value allowed")
        } else {
            finding("\(table.rule.id) says \(error.code) only when values are checked")
        }
    }
}

private func compare(_ invocation: Invocation, _ reading: OptionReading, _ table: OptionTable) {
    let id = table.rule.id
    require(reading.failure == nil, "\(id) accepts what glibc does not: \(reading.events)")
    require(
        invocation.operandIndices == reading.operandIndices,
        "\(id): operands \(invocation.operandIndices), glibc \(reading.operandIndices)")
    require(
        invocation.options.count == reading.events.count,
        "\(id): \(invocation.options.count) options, glibc \(reading.events.count)")
    for (option, event) in zip(invocation.options, reading.events) {
        let expected = table.rule.options[event.option]
        require(
            option.rule.short == expected.short && option.rule.long == expected.long,
            "\(id): \(option.rule.spelling), glibc \(expected.spelling)")
        require(
            option.value.map { Array($0.utf8) } == event.value.map { Array($0.utf8) },
            "\(id): another value of \(expected.spelling)")
    }
}

/// A refusal by the table alone: glibc has it too, and nothing before it.
private func checkFailure(
    _ error: CommandError, _ reading: OptionReading, of command: ParsedCommand,
    by table: OptionTable
) {
    let id = table.rule.id
    guard let offset = error.offset,
        let index = command.words.firstIndex(where: { $0.offset + $0.byteCount > offset }),
        index > 0
    else { finding("\(id): \(error.code) has no place") }
    switch error.code {
    case .unknownOption:
        require(reading.failure == OPTION_UNKNOWN, "\(id): unknown, and glibc knows it")
    case .unexpectedValue:
        require(reading.failure == OPTION_UNEXPECTED, "\(id): glibc takes the value")
    case .missingValue:
        require(reading.failure == OPTION_MISSING, "\(id): glibc misses no value")
    case .abbreviatedOption:
        let name = command.words[index].text.utf8.dropFirst(2).prefix { $0 != UInt8(ascii: "=") }
        require(
            table.rule.options.contains { $0.long?.utf8.starts(with: name) ?? false },
            "\(id): word \(index) abbreviates nothing")
    default: finding("\(id): \(error.code) where every value is allowed")
    }
    do throws(CommandError) {
        let before = try ParsedCommand.words(Array(command.argv[..<index]))
        compare(try table.lenient.invocation(of: before), table.read(before.argv), table)
    } catch {
        finding("\(id): \(error.code) in the words before the one that is blamed")
    }
}

extension OptionTable {
    fileprivate func isAllowed(_ event: OptionReading.Event) -> Bool {
        let option = rule.options[event.option]
        return option.refusal == nil && (event.value.map(option.value.allows) ?? true)
    }
}
