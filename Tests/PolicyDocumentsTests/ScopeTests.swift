import CommandPolicy
import PolicyDocuments
import Testing

/// What a key narrows, and what `inspect` and `diagnose` say.
struct ScopeTests {
    @Test func `a key reaches to the rules that it names`() {
        let scope = CommandScope(commands: ["vast/ls", "inspect"])
        #expect(Policy.inspect.decide("ls", scope: scope).verdict == .allow)
        #expect(Policy.inspect.decide("cat /a", scope: scope).verdict == .allow)
        let denied = Policy.inspect.decide("du", scope: scope)
        #expect(denied.denial?.code == "not_granted")
        #expect(denied.denial?.offset == 0)
    }

    @Test func `a key that may not write is told so`() {
        let denied = Policy.vast.decide("rm a", scope: CommandScope(writes: false))
        #expect(denied.denial?.code == "writes_not_granted")
        #expect(denied.writes)
        #expect(Policy.vast.decide("ls a", scope: CommandScope(writes: false)).verdict == .allow)
    }

    @Test(arguments: [
        ("ls", true), ("ls data", true), ("ls /data/x/../y", true), ("ls /", false),
        ("ls ..", false), ("ls /data/../etc", false), ("ls data2", false), ("rm /data/x", true),
        ("rm -r /etc/x", false),
    ])
    func `a key that is bound to paths`(command: String, isAllowed: Bool) {
        let decision = Policy.vast.decide(command, scope: CommandScope(paths: ["/data"]))
        #expect((decision.verdict == .allow) == isAllowed, "\(decision)")
        if isAllowed { #expect(decision.paths == ["/data"]) }
    }

    @Test func `the pattern of grep is no path`() {
        let scope = CommandScope(paths: ["/data"])
        #expect(Policy.inspect.decide("grep /etc /data/x", scope: scope).verdict == .allow)
        #expect(
            Policy.inspect.decide("grep -e /etc /etc/x", scope: scope).denial?.code
                == "path_not_allowed")
    }

    @Test(arguments: [
        "find / -name x -exec rm {} +", "find / -delete", "find -fprint /x", "find / -ok ls ;",
        "find / -execdir ls ;", "find / -fls x", "find / -fprintf x y", "sort -o x y",
        "sort --compress-program=sh x", "uniq a b", "tail -f x", "grep -f x y", "tree -o x",
        "du --files0-from=x", "wc --files0-from=x", "sort --files0-from=x", "file -m x y",
        "tail +5f x", "stat --help=", "cat",
        "tree -Pno x /tmp/out", "tree -L2 /",
    ])
    func `inspect refuses what writes, starts, waits or reads lists`(command: String) {
        let words = command.split(separator: " ").map(String.init)
        let decision = Policy.inspect.decide(argv: words)
        #expect(decision.verdict == .deny, "\(decision)")
    }

    @Test(arguments: [
        "find / -maxdepth 2 -type f -size +1M -mtime -3 -print0",
        "find . ( -name a -o -name b ) -prune",
        "find -L data -newermt 2026-01-01 -printf %p", "head -20 x", "tail -n +5 x", "tail -5 x",
        "sort -k2,2n -t , x", "cut -d : -f 1,3-4 x", "grep -rn -C 2 needle /data", "df -h",
        "stat -c %s x", "wc -l a b", "sha256sum x", "uniq -c x", "tree -L 2 /", "tree -aP *.log /",
        "file /bin/ls",
        "md5sum -b x", "cat -n x",
    ])
    func `inspect allows what people ask`(command: String) {
        let words = command.split(separator: " ").map(String.init)
        let decision = Policy.inspect.decide(argv: words)
        #expect(decision.verdict == .allow, "\(decision)")
        #expect(!decision.writes)
    }

    @Test func `diagnose runs fixed forms alone, through the engine`() throws {
        let allowed = Policy.diagnose.decide("ps aux")
        #expect(allowed.verdict == .allow)
        #expect(allowed.backend == .engine)
        #expect(allowed.kernel == nil)
        let denied = Policy.diagnose.decide("ps aux -o args")
        #expect(denied.denial?.code == "unknown_form")
        #expect(denied.denial?.nearest != nil)
        #expect(Policy.diagnose.decide("top").denial?.code == "unknown_form")
        #expect(
            Policy.diagnose.decide("ps aux", scope: CommandScope(paths: ["/a"])).denial?.code
                == "not_granted")
        #expect(Policy.diagnose.decide("ps aux", on: .writable).denial?.code == "view_not_allowed")
    }

    @Test func `the writable layer is read, never written`() {
        #expect(Policy.vast.decide("du -s /", on: .writable).verdict == .allow)
        #expect(Policy.vast.decide("rm x", on: .writable).denial?.code == "view_not_allowed")
    }

    @Test(arguments: ["/etc", "etc/", "/usr/./lib", "/bin", "//var", "/tmp/../root"])
    func `protected folders are denied by name already`(operand: String) {
        let denied = Policy.vast.decide(argv: ["rm", "-r", operand])
        #expect(denied.denial?.code == "protected_operand")
        #expect(denied.denial?.offset == 6)
    }

    @Test func `what the kernel will enforce is part of the decision`() {
        let reader = Policy.vast.decide("ls"), writer = Policy.vast.decide("rm x")
        #expect(reader.kernel?.mounts == ["nosuid", "nodev", "noexec", "noatime", "ro"])
        #expect(reader.kernel?.capabilities == ["DAC_OVERRIDE"])
        #expect(writer.kernel?.mounts.last == "rw")
        #expect(writer.kernel?.capabilities == ["DAC_OVERRIDE", "FOWNER"])
        #expect(Policy.vast.decide("rm /").kernel == nil)
    }
}
