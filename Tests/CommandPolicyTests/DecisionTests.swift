import CommandPolicy
import Foundation
import PolicyDocuments
import Testing

@Suite struct DecisionTests {
    @Test func `an allowed decision has these bytes in JSON`() throws {
        try expectJSON(
            Policy.vast.decide("rm -r 'a b'"),
            """
            {"argv":["rm","-r","a b"],"backend":"jail","command":"rm -r 'a b'","guards":["a b"],\
            "kernel":{"capabilities":["DAC_OVERRIDE","FOWNER"],\
            "mounts":["nosuid","nodev","noexec","noatime","rw"],\
            "namespaces":["pid","mount","ipc","uts","cgroup","net"],"seccomp":"allow-list of writers"},\
            "limits":{"max_wall_seconds":86400,"memory_bytes":1073741824,\
            "wall_seconds":60},"policy":"vast",\
            "protected":["/bin","/boot","/dev","/etc","/home","/lib","/lib32","/lib64","/libx32",\
            "/proc","/root","/run","/sbin","/sys","/usr","/usr/bin","/usr/lib","/usr/lib64",\
            "/usr/sbin","/usr/local","/var","/var/lib"],\
            "rule":"vast/rm","verdict":"allow","view":"merged","volumes":true,"writes":true}
            """)
    }

    @Test func `a denied decision has these bytes in JSON`() throws {
        try expectJSON(
            Policy.vast.decide("ls é --colour /"),
            """
            {"argv":["ls","é","--colour","/"],"backend":"jail","command":"ls é --colour /",\
            "denial":{"code":"unknown_option",\
            "message":"ls has no option ‘--colour’; the nearest is --color.",\
            "nearest":"ls é --color /","offset":6,"token":"--colour"},\
            "guards":[],"policy":"vast","rule":"vast/ls","verdict":"deny","view":"merged",\
            "volumes":true,"writes":false}
            """)
    }

    @Test func `a command that cannot be parsed has no words in JSON`() throws {
        try expectJSON(
            Policy.vast.decide("ls |"),
            """
            {"argv":[],"backend":"jail","command":"ls |","denial":{"code":"pipe","message":"A pipe (|) at byte 3 is \
            refused, as no shell reads the command; send the commands one by one.",\
            "offset":3,"token":"|"},"guards":[],"policy":"vast","verdict":"deny","view":"merged",\
            "volumes":true,"writes":false}
            """)
    }

    @Test func `every denial of random commands can be acted on`() throws {
        let pieces = [
            "ls", "rm", "du", "cat", "-l", "-la", "-d", "2", "-r", "-i", "--", "--all", "--al",
            "--color=", "always", "x", "-Z", "--time=acc", "/", "..", ".", " ", " ", " ", " ", "\t",
            "'", "\"", "\\", "é", "\u{301}", "\u{202E}", "\u{1B}[2J", "\n", "\r", "\0", "$x", "$(",
            "`", "*", "~", "#", "!", "{", "(", "|", "||", "&", "&&", ";", "<", ">>", "=",
        ]
        var generator = SeededGenerator(seed: 3)
        var codes: Set<String> = []
        for _ in 0..<20_000 {
            var text =
                Bool.random(using: &generator)
                ? ["ls ", "rm ", "du "].pick(&generator, else: "") : ""
            for _ in 0..<Int.random(in: 0...8, using: &generator) {
                text += pieces.pick(&generator, else: "")
            }
            let decision = Policy.vast.decide(text)
            guard let denial = decision.denial else {
                try #require(decision.verdict == .allow && decision.limits != nil)
                continue
            }
            codes.insert(denial.code)
            try #require(isWellFormed(denial, of: decision), "\(decision)")
        }
        #expect(codes.count >= 30, "\(codes.sorted())")
    }

    private func isWellFormed(_ denial: Decision.Denial, of decision: Decision) -> Bool {
        let isSafe = (denial.message + decision.explanation()).unicodeScalars.allSatisfy {
            $0 == "\n" || ![.control, .format].contains($0.properties.generalCategory)
        }
        guard decision.verdict == .deny, !denial.code.isEmpty, isSafe,
            denial.message.hasSuffix("."), !denial.message.contains("\n"),
            (denial.token == nil) == (denial.offset == nil)
        else { return false }
        if let token = denial.token, let offset = denial.offset {
            let bytes = decision.command.utf8.dropFirst(offset).prefix(token.utf8.count)
            guard !token.utf8.isEmpty, bytes.elementsEqual(token.utf8) else { return false }
        }
        return denial.nearest.map { Policy.vast.decide($0).verdict == .allow } ?? true
    }

    @Test func `the explanation of an allowed command says what the kernel will hold it to`() {
        #expect(
            Policy.vast.decide("rm -r 'a b' c").explanation() == """
                allowed by rule vast/rm

                  words         0: rm
                                1: -r
                                2: 'a b'
                                3: c
                  access        reads and writes: the view of the instance is writable
                  guarded       'a b' c: refused if device and inode are the root's, a mount \
                point's or a protected folder's
                  mounts        nosuid, nodev, noexec, noatime, rw
                  capabilities  DAC_OVERRIDE, FOWNER
                  system calls  seccomp: allow-list of writers; no_new_privs
                  namespaces    new pid, mount, ipc, uts, cgroup, net
                  limits        60 s in all (at most 86400 if asked for), 1 GiB of memory

                """)
        let reader = Policy.vast.decide("ls").explanation()
        #expect(reader.contains("capabilities  DAC_OVERRIDE\n"))
        #expect(reader.contains("noatime, ro\n"))
    }

    @Test func `the explanation of a denial points at the token, past wide and hidden scalars`() {
        #expect(
            Policy.vast.decide("ls 日e\u{301}\u{202E} --recursve").explanation() == """
                denied by rule vast/ls: unknown_option

                  ls 日e\u{301}\\u{202e} --recursve
                                 ^^^^^^^^^^ at byte 13
                  ls has no option ‘--recursve’; the nearest is --recursive.
                  Allowed would be: ls 日e\u{301}\\u{202e} --recursive

                """)
        #expect(
            Policy.vast.decide("").explanation() == """
                denied by policy vast: missing_command

                  The command is empty; send a program and its arguments, such as ls -l.

                """)
    }

    @Test func `a decision that an older version kept is read`() throws {
        let old = """
            {"argv":["ls"],"command":"ls","guards":[],"limits":{"cpu_seconds":60,\
            "memory_bytes":1073741824,"output_bytes":67108864,"wall_seconds":60},\
            "policy":"vast","rule":"vast/ls","verdict":"allow","writes":false}
            """
        let decision = try JSONDecoder().decode(Decision.self, from: Data(old.utf8))
        #expect(decision.backend == .jail && decision.view == .merged && decision.attachesVolumes)
        #expect(decision.limits?.maximumWallSeconds == 86_400)
        #expect(decision.paths == nil && !decision.previews)
    }

    private func expectJSON(_ decision: Decision, _ golden: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let json = try encoder.encode(decision)
        #expect(String(decoding: json, as: UTF8.self) == golden)
        #expect(try JSONDecoder().decode(Decision.self, from: json) == decision)
    }
}
