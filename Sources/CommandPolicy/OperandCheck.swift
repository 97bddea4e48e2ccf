extension OperandRule {
    /// Checks a command's operands.
    ///
    /// A lexical check, with the command's working folder `/`: what links lead to, only the jail
    /// can tell, by the identity of the file (``Decision/guards``).
    ///
    /// - Throws: `missing_operand`, or, if ``guarded``, `empty_operand`, `root_operand` or
    ///   `dot_operand` for the first operand in question. Never with a candidate: a guess must
    ///   not remove anything.
    func check(
        _ invocation: Invocation, of command: ParsedCommand, program: String
    ) throws(Refusal) {
        let operands = invocation.operandIndices
        let isWaived = invocation.options.contains { option in
            minimumWaivedBy.contains { $0.hasSameBytes(as: option.rule.long ?? "") }
        }
        if operands.count < minimumCount && !isWaived {
            throw Refusal(
                CommandError(
                    .missingOperand, "\(program) needs a file or folder; name at least one."))
        }
        guard guarded else { return }
        for index in operands {
            let operand = command.words[index].text
            if operand.utf8.isEmpty {
                throw command.refusal(
                    .emptyOperand, "An empty name is no file; remove the empty quotes.",
                    at: index)
            }
            if namesRoot(operand) {
                throw command.refusal(
                    .rootOperand,
                    "\(operand.quotedForMessage) is the root folder, which \(program) never "
                        + "removes; name the files or folders in it.",
                    at: index)
            }
            if endsInDots(operand) {
                throw command.refusal(
                    .dotOperand,
                    "\(program) itself refuses a path that ends in . or .., such as "
                        + "\(operand.quotedForMessage); name the folder by its path.",
                    at: index)
            }
        }
    }
}

/// Whether a path, taken from `/` and normalised as text, is `/`: `.`, `//`, `home/..`.
func namesRoot(_ path: String) -> Bool {
    var depth = 0
    for component in components(of: path) {
        if component.elementsEqual(".".utf8) { continue }
        depth = component.elementsEqual("..".utf8) ? max(0, depth - 1) : depth + 1
    }
    return depth == 0
}

/// Whether a path's last component is `.` or `..`.
func endsInDots(_ path: String) -> Bool {
    guard let last = components(of: path).last else { return false }
    return last.elementsEqual(".".utf8) || last.elementsEqual("..".utf8)
}

private func components(of path: String) -> [ArraySlice<UInt8>] {
    Array(path.utf8).split(separator: UInt8(ascii: "/"))
}
