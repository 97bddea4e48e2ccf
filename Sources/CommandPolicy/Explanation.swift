extension Decision {
    /// The decision in plain text, for `boathook policy explain`.
    ///
    /// Lines end in a line feed, the last one too. What the command holds of control, format and
    /// separator scalars is escaped, so the text is safe for a terminal.
    package func explanation() -> String {
        let lines = denial.map(denialLines) ?? allowanceLines
        return lines.map { $0 + "\n" }.joined()
    }

    private var decidedBy: String {
        rule.map { "rule \($0)" } ?? "policy \(policy)"
    }

    private var allowanceLines: [String] {
        var lines = ["allowed by \(decidedBy)", ""]
        for (index, word) in argv.enumerated() {
            lines.append(line(index == 0 ? "words" : "", "\(index): \(word.printableWord)"))
        }
        lines.append(
            line(
                "access",
                writes
                    ? "reads and writes: the view of the instance is writable"
                    : "reads only: the view of the instance is read-only"))
        if view == .writable {
            lines.append(line("view", "only what the instance has written itself"))
        }
        if !attachesVolumes { lines.append(line("volumes", "not attached")) }
        if let paths {
            lines.append(
                line(
                    "paths", "sees nothing but " + paths.map(\.printableWord).joined(separator: " ")
                ))
        }
        if !guards.isEmpty {
            lines.append(
                line(
                    "guarded",
                    guards.map(\.printableWord).joined(separator: " ")
                        + ": refused if device and inode are the root's"
                        + (protected.isEmpty ? "" : ", a mount point's or a protected folder's")))
        }
        lines += kernelLines
        if let limits {
            lines.append(
                line(
                    "limits",
                    """
                    \(limits.wallSeconds) s in all (at most \(limits.maximumWallSeconds) if asked for), \
                    \(limits.cpuSeconds.map { "\($0) s of CPU, " } ?? "")\
                    \(byteCount(limits.memoryBytes)) of memory\
                    \(limits.outputBytes.map { ", \(byteCount($0)) of output" } ?? "")\
                    \(limits.entries.map { ", \($0) files and folders removed" } ?? "")
                    """))
        }
        return lines
    }

    /// What holds the program to it, whatever it does.
    private var kernelLines: [String] {
        guard let kernel else {
            return [line("runs", "inside the instance, by the container engine: its own program")]
        }
        return [
            line("mounts", kernel.mounts.joined(separator: ", ")),
            line("capabilities", kernel.capabilities.joined(separator: ", ")),
            line("system calls", "seccomp: \(kernel.seccomp); no_new_privs"),
            line("namespaces", "new " + kernel.namespaces.joined(separator: ", ")),
        ]
    }

    private func denialLines(_ denial: Denial) -> [String] {
        var lines = ["denied by \(decidedBy): \(denial.code)", ""]
        if !command.utf8.isEmpty {
            lines.append("  " + command.printable)
            if let caret = caretLine(denial) { lines.append(caret) }
        }
        lines.append("  " + denial.message)
        if let nearest = denial.nearest {
            lines.append("  Allowed would be: " + nearest.printable)
        }
        return lines
    }

    /// Carets below the token as it is shown, and the byte where it is.
    private func caretLine(_ denial: Denial) -> String? {
        guard let offset = denial.offset, offset <= command.utf8.count else { return nil }
        let before = cellCount(Array(command.utf8.prefix(offset)).text)
        let width = max(1, cellCount(denial.token ?? ""))
        return "  " + String(repeating: " ", count: before) + String(repeating: "^", count: width)
            + " at byte \(offset)"
    }

    private func line(_ label: String, _ text: String) -> String {
        "  " + label + String(repeating: " ", count: max(1, 14 - label.utf8.count)) + text
    }

    /// A count of bytes as MiB or GiB where it is a whole number of them.
    private func byteCount(_ count: Int) -> String {
        for (unit, power) in [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        where count >= 1 << power && count % (1 << power) == 0 {
            return "\(count >> power) \(unit)"
        }
        return "\(count) bytes"
    }
}

extension String {
    /// A word in shell quoting and printable form.
    fileprivate var printableWord: String { ParsedCommand.shellQuoted(self).printable }
}
