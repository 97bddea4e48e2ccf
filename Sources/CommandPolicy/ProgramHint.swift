extension Policy {
    /// The refusal of a program that has no rule, with the nearest one that has.
    func unknownProgram(_ command: ParsedCommand) -> Refusal {
        let program = command.words.first?.text ?? ""
        let programs = self.programs
        let last = Array(program.utf8).split(separator: UInt8(ascii: "/")).last.map { Array($0) }
        let base = (last ?? []).text
        var advice = "the programs are \(list(programs, "and"))"
        var candidate: [String]?
        if let named = programs.first(where: { $0.hasSameBytes(as: base) }) {
            advice = "give the program's name alone, \(named)"
            candidate = command.argv(replacing: 0..<1, with: [named])
        } else if let hint = ProgramHint.all.first(where: { hint in
            hint.programs.contains { $0.hasSameBytes(as: base) }
        }) {
            advice += "; " + hint.advice
            candidate = hint.replacement.flatMap { hinted($0, for: command) }
        } else if program.utf8.contains(UInt8(ascii: "=")) {
            advice += "; environment variables cannot be set"
        } else if let near = nearestWord(to: program, among: programs) {
            advice += "; the nearest is \(near)"
            candidate = command.argv(replacing: 0..<1, with: [near])
        }
        return command.refusal(
            .unknownProgram,
            "\(program.quotedForMessage) is not a program of the policy \(name); \(advice).",
            at: 0, candidate: candidate)
    }

    /// The command with another program in the place of its own.
    ///
    /// Options of one program mean something else to another. So they go, and where operands may
    /// be their values, there is no candidate. Nothing in the place of `sudo` keeps them all.
    private func hinted(_ replacement: [String], for command: ParsedCommand) -> [String]? {
        let rest = command.argv.dropFirst()
        let operands = rest.filter { $0.utf8.first != UInt8(ascii: "-") }
        if replacement.isEmpty || operands.count == rest.count { return replacement + rest }
        return operands.isEmpty ? replacement : nil
    }
}

/// What to say to people who ask for a program that a policy does not have.
///
/// Asked only after the policy's own programs, and the replacement is offered only if the policy
/// allows it with the command's other words; so a policy that has `cat` needs no change here.
struct ProgramHint {
    let programs: [String]
    /// Follows "the programs are …;".
    let advice: String
    /// What to put in the program's place.
    let replacement: [String]?

    static let all: [ProgramHint] = [
        ProgramHint(
            programs: ["cat", "head", "tail", "less", "more", "stat", "file", "wc"],
            advice: "files cannot be read, but ls -l shows their sizes, times and owners",
            replacement: ["ls", "-l"]),
        ProgramHint(
            programs: ["dir", "vdir", "ll", "la", "l", "lsd", "exa"],
            advice: "ls -l is the nearest", replacement: ["ls", "-l"]),
        ProgramHint(
            programs: ["find", "tree", "locate"],
            advice: "ls -R lists folders with all that is in them", replacement: ["ls", "-R"]),
        ProgramHint(
            programs: ["df", "ncdu", "lsblk", "mount"],
            advice: "free space is not shown, but du -s -h shows what files take",
            replacement: ["du", "-s", "-h"]),
        ProgramHint(
            programs: ["rmdir"], advice: "rm -d removes empty folders",
            replacement: ["rm", "-d"]),
        ProgramHint(
            programs: ["unlink", "del", "erase", "shred"], advice: "rm removes files",
            replacement: ["rm"]),
        ProgramHint(
            programs: ["ps", "top", "htop", "nvidia-smi", "nvtop", "free", "uptime", "kill"],
            advice: "processes and GPUs are not available under this policy", replacement: nil),
        ProgramHint(
            programs: ["cd", "pwd", "pushd"],
            advice: "each command starts in /, so give the path, as in ls PATH",
            replacement: nil),
        ProgramHint(
            programs: ["bash", "sh", "dash", "zsh", "fish", "eval", "exec", "source", "env"],
            advice: "no shell is available under this policy, so send the command itself",
            replacement: nil),
        ProgramHint(
            programs: ["sudo", "su", "doas"],
            advice: "commands have root's rights over files already, so leave it out",
            replacement: []),
        ProgramHint(
            programs: ["python", "python3", "perl", "node", "pip", "pip3", "apt", "apt-get"],
            advice: "interpreters and installers are not available under this policy",
            replacement: nil),
        ProgramHint(
            programs: ["curl", "wget", "ssh", "scp", "rsync", "git", "nc", "ping"],
            advice: "commands have no network, so this is not available under this policy",
            replacement: nil),
        ProgramHint(
            programs: [
                "cp", "mv", "mkdir", "touch", "ln", "chmod", "chown", "dd", "tee", "echo", "sed",
                "awk", "grep", "sort", "tar", "nano", "vi", "vim",
            ],
            advice: "files can be listed, measured and removed, nothing else", replacement: nil),
    ]
}
