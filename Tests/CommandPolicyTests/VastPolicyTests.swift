import CommandPolicy
import PolicyDocuments
import Testing

@Suite struct VastPolicyTests {
    private let policy = Policy.vast

    @Test(arguments: [
        "ls", "ls -l -o -r", "ls -la /", "ls / -l", "ls -- -l", "ls -", "ls -w80 -T 4 /tmp",
        "ls --width 80", "ls --width=80", "ls --color", "ls --color=auto", "ls --classify=never -F",
        "ls --block-size=K", "ls --block-size \"'1\"", "ls --block-size=human-readable",
        "ls --time-style=+%F", "ls --time-style '+%d %b %H:%M'", "ls --time-style=long-iso -l",
        "ls -I '*.log' --hide='*.tmp'", "ls --sort=time --time=birth -D", "ls --help",
        "ls --version", "ls caf\u{E9} ../..", "ls -I -- -l", "ls -dlit1 a",
        "du", "du -d2 -h", "du -d 2 -h", "du -hd2 /home", "du --max-depth 2", "du -sh * .".q,
        "du -BM -t -1G -c", "du --time", "du --time=atime --time-style=+%s", "du -D -H -L a",
        "du --threshold=-10K", "du --exclude='*.o' --exclude x", "du -0abxlS",
        "rm a", "rm -r home/delete_this.txt", "rm -rf a b", "rm -f", "rm -- -r", "rm -dv a/../b",
        "rm --preserve-root=all -R a", "rm --preserve-root a", "rm '*'", "rm ...", "rm ..a /.b",
        "rm --help", "rm -f -- -", "rm a/",
    ])
    func `an allowed command comes with its words and rule`(text: String) throws {
        let decision = policy.decide(text)
        #expect(decision.verdict == .allow, "\(decision.denial?.message ?? "")")
        #expect(decision.denial == nil)
        #expect(decision.argv == (try ParsedCommand.parse(text).argv))
        let program = try #require(decision.argv.first)
        #expect(decision.rule == "vast/\(program)")
        #expect(decision.writes == (program == "rm"))
        #expect(decision.limits == CommandLimits())
        #expect(decision.command == text)
        let again = policy.decide(argv: decision.argv)
        #expect(again.verdict == .allow && again.guards == decision.guards)
    }

    @Test(arguments: [
        // text, code, token, nearest
        ("ls --al", "abbreviated_option", "--al", nil),
        ("ls --auth x", "abbreviated_option", "--auth", "ls --author x"),
        ("du --max=2", "abbreviated_option", "--max", "du --max-depth=2"),
        ("ls --sor", "abbreviated_option", "--sor", nil),
        ("ls --=1", "abbreviated_option", "--", nil),
        ("ls --recursve /", "unknown_option", "--recursve", "ls --recursive /"),
        ("ls --RECURSIVE", "unknown_option", "--RECURSIVE", "ls --recursive"),
        ("ls --frobnicate", "unknown_option", "--frobnicate", nil),
        ("ls -lE", "unknown_option", "E", nil),
        ("rm -F a", "unknown_option", "F", "rm -f a"),
        ("ls -l\u{E9}", "unknown_option", "\u{E9}", nil),
        ("ls -l-", "unknown_option", "-", nil),
        ("du -human-readable", "unknown_option", "u", "du --human-readable"),
        ("ls -- -l --al", nil, nil, nil),
        ("ls -w", "missing_value", "w", nil),
        ("ls -lw", "missing_value", "w", nil),
        ("ls --width", "missing_value", "--width", nil),
        ("du a -d", "missing_value", "d", nil),
        ("ls --all=yes", "unexpected_value", "--all=yes", "ls --all"),
        ("du --all= x", "unexpected_value", "--all=", "du --all x"),
        ("ls --color auto", nil, nil, nil),
        ("ls --color=aut", "bad_value", "aut", "ls --color=auto"),
        ("ls --color=", "bad_value", "--color=", nil),
        ("ls --color=yes", "bad_value", "yes", nil),
        ("ls --time=acc", "bad_value", "acc", "ls --time=access"),
        ("du --time=birth", "bad_value", "birth", nil),
        ("ls --sort sizee", "bad_value", "sizee", "ls --sort size"),
        ("ls --sort=Size", "bad_value", "Size", "ls --sort=size"),
        ("ls -w-1", "bad_value", "-1", nil),
        ("ls -w 010", "bad_value", "010", nil),
        ("ls -w 0x10", "bad_value", "0x10", nil),
        ("ls -w 65536", "bad_value", "65536", nil),
        ("ls -w 99999999999999999999", "bad_value", "99999999999999999999", nil),
        ("du -d -1", "bad_value", "-1", nil),
        ("du -d +1", "bad_value", "+1", nil),
        ("du -d '1'2", nil, nil, nil),
        ("du -d '1'x", "bad_value", "'1'x", nil),
        ("du -d\u{661}", "bad_value", "\u{661}", nil),
        ("ls --block-size=\u{212A}", "bad_value", "\u{212A}", nil),
        ("du -Bm", "bad_value", "m", "du -BM"),
        ("du -B 0", "bad_value", "0", nil),
        ("du -B 1Z", "bad_value", "1Z", nil),
        ("du -B 9E", "bad_value", "9E", nil),
        ("du -t -0", "bad_value", "-0", nil),
        ("du -t K", "bad_value", "K", nil),
        ("ls --time-style=+%999999999d", "bad_value", "+%999999999d", nil),
        ("ls --time-style=+%-_0999d", "bad_value", "+%-_0999d", nil),
        ("ls --time-style='+a\nb\nc'", "bad_value", "--time-style='+a\nb\nc'", nil),
        ("ls --time-style=full", "bad_value", "full", "ls --time-style=full-iso"),
        ("du --time-style=locale", "bad_value", "locale", nil),
        ("ls -lZ", "refused_option", "Z", "ls -l"),
        ("ls --context", "refused_option", "--context", "ls"),
        ("ls --hyperlink=auto -l", "refused_option", "--hyperlink", "ls -l"),
        ("du -X list a", "refused_option", "X", "du a"),
        ("du -aXlist", "refused_option", "X", "du -a"),
        ("du --exclude-from list", "refused_option", "--exclude-from", "du"),
        ("du --files0-from=-", "refused_option", "--files0-from", "du"),
        ("rm -i a", "refused_option", "i", "rm a"),
        ("rm -rI a", "refused_option", "I", "rm -r a"),
        ("rm --interactive=never a", "refused_option", "--interactive", "rm a"),
        ("rm -r --no-preserve-root a", "refused_option", "--no-preserve-root", "rm -r a"),
        ("rm --no-preserve-root /", "refused_option", "--no-preserve-root", nil),
        ("rm --no-pres a", "abbreviated_option", "--no-pres", nil),
        ("rm ---presume-input-tty a", "refused_option", "---presume-input-tty", "rm a"),
        ("rm --preserve-root=no a", "bad_value", "no", nil),
        ("rm", "missing_operand", nil, nil),
        ("rm -r", "missing_operand", nil, nil),
        ("rm --", "missing_operand", nil, nil),
        ("rm a ''", "empty_operand", "''", nil),
    ])
    func `options and values are judged as getopt reads them`(
        text: String, code: String?, token: String?, nearest: String?
    ) {
        let decision = policy.decide(text)
        #expect(decision.denial?.code == code)
        #expect(decision.denial?.token.map { Array($0.utf8) } == token.map { Array($0.utf8) })
        #expect(decision.denial?.nearest == nearest)
        #expect((decision.verdict == .allow) == (code == nil))
    }

    @Test(arguments: [
        "/", "//", "/.", "/..", ".", "..", "home/..", "/home/../", "./././", "///", "./", "../..",
        "a/b/../..", "a//../", "/a/./..", "../a/..", "a/../../..", "-/..", "'/'", "\"/\".", "\\/",
    ])
    func `rm never takes the root, however it is spelled`(operand: String) throws {
        for command in [
            "rm -rf \(operand)", "rm a \(operand) b", "rm -- \(operand)", "rm -f \(operand)",
        ]
        where operand != "-/.." || command.contains("--") {
            let decision = policy.decide(command)
            #expect(decision.denial?.code == "root_operand", "\(command)")
            #expect(decision.denial?.token == operand)
            #expect(decision.denial?.nearest == nil)
            #expect(decision.guards.isEmpty && decision.limits == nil)
        }
    }

    @Test(arguments: ["a/.", "a/b/..", "a/./", "/a/b/../", "../a/.", "a/b/.//"])
    func `rm itself refuses a last component of dots, and so does the policy`(operand: String) {
        let denial = policy.decide("rm -r \(operand)").denial
        #expect(denial?.code == "dot_operand")
        #expect(denial?.token == operand)
    }

    @Test func `rm's operands are guarded in order, and nobody else's`() {
        #expect(policy.decide("rm b -r 'a c' -- -x").guards == ["b", "a c", "-x"])
        #expect(policy.decide("rm -f").guards.isEmpty)
        #expect(policy.decide("ls a").guards.isEmpty)
        #expect(policy.decide("du a").guards.isEmpty)
    }

    @Test(arguments: [
        ("/bin/ls -l", "ls -l"), ("./rm a", "rm a"), ("LS /", "ls /"), ("sl", "ls"),
        ("lls -l", "ls -l"), ("cat /etc/passwd", "ls -l /etc/passwd"), ("/bin/cat a", "ls -l a"),
        ("tail a", "ls -l a"), ("head -n 5 a", nil), ("df -h", "du -s -h"),
        ("rmdir a", "rm -d a"), ("rmdir /", nil), ("sudo ls -l", "ls -l"), ("ps", nil),
        ("nvidia-smi", nil), ("cd /", nil), ("bash -c ls", nil), ("sh", nil), ("python x.py", nil),
        ("curl http://x", nil), ("A=1 ls", nil), ("''", nil), ("ls\u{301}", nil),
        ("\u{2113}s", nil),
        ("frobnicate", nil), ("mv a b", nil), ("rn -r a", "rm -r a"), ("rn -r /", nil),
    ])
    func `another program is denied, with the nearest that there is`(
        text: String, nearest: String?
    ) throws {
        let decision = policy.decide(text)
        let denial = try #require(decision.denial)
        #expect(denial.code == "unknown_program")
        #expect(denial.offset == 0)
        #expect(denial.nearest == nearest)
        #expect(denial.message.contains("ls") || denial.message.contains("rm"))
        #expect(decision.rule == nil && !decision.writes)
        #expect(!decision.argv.isEmpty)
    }

    @Test func `a policy with more programs needs no other hints`() {
        var wider = policy
        wider.rules.append(ProgramRule(policy: "test", program: "cat"))
        #expect(wider.decide("cat a").verdict == .allow)
        #expect(wider.decide("cta a").denial?.nearest == "cat a")
        #expect(wider.decide("df").denial?.message.contains("ls, rm, du and cat") == true)
    }

    @Test func `a short option may have an attached value`() {
        let rule = ProgramRule(
            policy: "test", program: "x",
            options: [
                OptionRule(
                    short: UInt8(ascii: "o"), argument: .optional, value: .word(["yes", "no"])),
                OptionRule(short: UInt8(ascii: "v")),
            ])
        let policy = Policy(name: "test", rules: [rule])
        #expect(policy.decide("x -vo a").verdict == .allow)
        #expect(policy.decide("x -voyes").verdict == .allow)
        #expect(policy.decide("x -ov").denial?.token == "v")
    }
}

extension String {
    /// The command with each `*` in single quotes.
    fileprivate var q: String {
        utf8.map { $0 == UInt8(ascii: "*") ? "'*'" : String(UnicodeScalar($0)) }.joined()
    }
}
