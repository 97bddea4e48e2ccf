extension OperandRule {
    /// Checks a command's operands.
    ///
    /// A lexical check, with the command's working folder `/`: what links lead to, only the jail can tell, by the
    /// identity of the file (``Decision/guards``) and by what it shows (``Decision/paths``).
    ///
    /// - Throws: The refusal of the first operand in question. Never with a candidate if it is
    ///   ``guarded``: a guess must not remove anything.
    func check(
        _ invocation: Invocation, of command: ParsedCommand, program: String,
        within paths: [String]?
    ) throws(Refusal) {
        let operands = invocation.operandIndices
        if operands.count < minimumCount && !invocation.has(anyOf: minimumWaivedBy) {
            throw tooFew(of: command, program: program)
        }
        if let maximumCount, operands.count > maximumCount {
            let surplus = operands[maximumCount]
            throw command.refusal(
                .tooManyOperands,
                "\(program) takes at most \(maximumCount) \(maximumCount == 1 ? "operand" : "operands") here.",
                at: surplus,
                candidate: guarded
                    ? nil : command.argv(replacing: surplus..<surplus + 1, with: []))
        }
        let leading = invocation.has(anyOf: leadingWaivedBy) ? 0 : leadingCount
        for index in operands.dropFirst(leading) {
            if guarded { try checkRemoval(at: index, of: command, program: program) }
            guard let paths else { continue }
            let path = PathPrefix.normalized(command.words[index].text)
            guard paths.contains(where: { PathPrefix.contains($0, path) }) else {
                throw command.refusal(
                    .pathNotAllowed,
                    "\(path.quotedForMessage) is outside of what may be reached here: "
                        + "\(list(paths, "and")).",
                    at: index,
                    candidate: guarded
                        ? nil
                        : paths.first.map { command.argv(replacing: index..<index + 1, with: [$0]) }
                )
            }
        }
    }

    private func tooFew(of command: ParsedCommand, program: String) -> Refusal {
        let wanted =
            switch (leadingCount, minimumCount) {
            case (0, 1): "a file or folder; name at least one"
            case (0, _): "at least \(minimumCount) files or folders"
            default: "a pattern, and files or folders after it"
            }
        // Without a place: what is missing stands nowhere.
        return Refusal(CommandError(.missingOperand, "\(program) needs \(wanted)."))
    }

    private func checkRemoval(
        at index: Int, of command: ParsedCommand, program: String
    ) throws(Refusal) {
        let operand = command.words[index].text
        if operand.utf8.isEmpty {
            throw command.refusal(
                .emptyOperand, "An empty name is no file; remove the empty quotes.", at: index)
        }
        let path = PathPrefix.normalized(operand)
        if path.hasSameBytes(as: "/") {
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
        if protected.contains(where: { $0.hasSameBytes(as: path) }) {
            throw command.refusal(
                .protectedOperand,
                "\(path.quotedForMessage) is protected: \(program) never removes it; "
                    + "name the files or folders in it.",
                at: index)
        }
    }
}

/// Whether a path's last component is `.` or `..`.
private func endsInDots(_ path: String) -> Bool {
    guard let last = Array(path.utf8).split(separator: UInt8(ascii: "/")).last else { return false }
    return last.elementsEqual(".".utf8) || last.elementsEqual("..".utf8)
}
