import CommandPolicy
import PolicyDocuments
import Testing

/// What the loader takes, and what it says of the rest.
struct PolicyDocumentTests {
    private func policy(_ rules: String, head: String = "") throws(PolicyProblems) -> Policy {
        try PolicyDocument.policy(
            "boathook_policy: 1\nname: team\ndescription: A test's.\n" + head + rules,
            known: Policy.shipped)
    }

    private func problems(_ rules: String, head: String = "") -> [String] {
        do throws(PolicyProblems) {
            _ = try policy(rules, head: head)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `shipped policies are read, each within the next`() {
        #expect(Policy.vast.programs == ["ls", "rm", "du"])
        #expect(Policy.inspect.programs.starts(with: Policy.vast.programs))
        #expect(Set(Policy.inspect.programs).isSubset(of: Policy.diagnose.programs))
        #expect(Policy.diagnose.programs.contains("nvidia-smi"))
        for policy in Policy.shipped {
            #expect(!policy.summary.isEmpty)
            for rule in policy.rules where rule.backend == .jail {
                #expect(JailedPrograms.all.contains(rule.program))
                // A program whose options nobody knows cannot be allowed.
                #expect(!rule.options.isEmpty, "\(rule.id)")
            }
        }
        #expect(Policy.vast.rules.filter(\.writes).map(\.program) == ["rm"])
        #expect(Policy.diagnose.rules.filter(\.writes).map(\.program) == ["rm"])
    }

    @Test func `a rule of one's own`() throws {
        let team = try policy(
            """
            rules:
              - program: cat
                options: [{names: [-n, --number]}]
                operands: {min: 1, max: 2, within: [/workspace/, /data/../tmp]}
                limits: {wall_seconds: 5, output_mib: 1}
            """)
        #expect(team.rules.map(\.id) == ["team/cat"])
        let allowed = team.decide("cat -n /workspace/a ./tmp/b")
        #expect(allowed.verdict == .allow)
        #expect(allowed.paths == ["/tmp", "/workspace"])
        #expect(allowed.limits?.wallSeconds == 5)
        #expect(allowed.limits?.outputBytes == 1 << 20)
        #expect(team.decide("cat /workspace2/a").denial?.code == "path_not_allowed")
        #expect(team.decide("cat /workspace/../etc/passwd").denial?.code == "path_not_allowed")
        #expect(team.decide("cat -A /workspace/a").denial?.code == "unknown_option")
        #expect(team.decide("cat").denial?.code == "missing_operand")
        #expect(team.decide("cat /tmp/1 /tmp/2 /tmp/3").denial?.code == "too_many_operands")
        #expect(team.decide("ls").denial?.code == "unknown_program")
    }

    @Test func `rules of one program are tried in their order`() throws {
        let team = try policy(
            """
            rules:
              - use: vast/rm
                name: scratch
                operands: {within: [/scratch]}
              - use: vast/rm
                name: logs
                refuse: [{names: [-r, --recursive], because: logs are removed one by one}]
                operands: {within: [/var/log/app], max: 2}
                limits: {entries: 2}
            """)
        #expect(team.decide("rm -r /scratch/a").rule == "team/scratch")
        #expect(team.decide("rm /var/log/app/1").rule == "team/logs")
        #expect(team.decide("rm /var/log/app/1").limits?.entries == 2)
        let denied = team.decide("rm -r /var/log/app/1")
        #expect(denied.rule == "team/scratch")
        #expect(denied.denial?.code == "path_not_allowed")
    }

    @Test func `a policy extends another`() throws {
        let team = try policy(
            "rules: [{use: inspect/tail, name: tail-log, limits: {wall_seconds: 3}}]",
            head: "extends: [vast]\n")
        #expect(team.programs == ["ls", "rm", "du", "tail"])
        #expect(team.decide("ls -l").rule == "vast/ls")
        #expect(team.decide("tail -5 /x").limits?.wallSeconds == 3)
    }

    @Test func `what is wrong is said with its place, all of it`() {
        let found = problems(
            """
            rules:
              - program: python3
                options: []
              - program: ls
                options: [{names: [-l], colour: red}]
            """)
        #expect(
            found == [
                "5:14: the jail has no tool 'python3'; it has: "
                    + JailedPrograms.all.joined(separator: " "),
                "8:29: an option has no key 'colour'; there are: letters, names, value, refuse",
            ])
    }

    @Test(arguments: [
        ("rules: [{program: ls}]", "'options' is missing here"),
        ("rules: [{program: python3, options: []}]", "the jail has no tool 'python3'"),
        ("rules: [{program: ls, options: [], colour: red}]", "a rule has no key 'colour'"),
        ("rules: [{program: ls, options: [], writes: true}]", "must be the same"),
        ("rules: [{program: rm, options: []}]", "rm writes"),
        ("rules: [{program: ls, options: [{names: [l]}]}]", "is no option"),
        ("rules: [{program: ls, options: [{names: [-l], value: {text: -1}}]}]", "whole number"),
        ("rules: [{program: ls, options: [{names: [-l], value: blocksize}]}]", "no kind of value"),
        ("rules: [{program: ls, options: [], operands: {within: [data]}}]", "no absolute path"),
        ("rules: [{program: ls, options: [], operands: {min: 2, max: 1}}]", "'max' is below"),
        ("rules: [{program: ls, options: [], operands: {min_waived_by: [-q]}}]", "no option -q"),
        ("rules: [{program: ls, options: [], limits: {wall_seconds: 0}}]", "whole number"),
        ("rules: [{program: ls, options: [], views: [volumes]}]", "'views' may name"),
        ("rules: [{program: ls, options: [], syntax: sh}]", "must be getopt or find"),
        ("rules: [{program: ls, options: [], runs: host}]", "must be jail or engine"),
        ("rules: [{program: ps, runs: engine}]", "'forms' is missing"),
        ("rules: [{program: ps, runs: engine, forms: [[sh]]}]", "each form begins with ps"),
        (
            "rules: [{program: ps, runs: engine, forms: [[ps]], options: []}]",
            "not for runs: engine"
        ),
        ("rules: [{use: vast/cat}]", "there is no rule 'vast/cat'"),
        ("rules: [{use: vast/ls, writes: true}]", "has no key 'writes'"),
        ("rules: [{use: vast/ls, refuse: [{names: [-y], because: x}]}]", "has no option -y"),
        ("rules: [{program: ls, options: []}, {program: ls, options: []}]", "named ls already"),
        ("extends: [nothing]", "there is no policy 'nothing'"),
        ("rules: []", "needs rules"),
        ("rules: [{program: ls, program: rm, options: []}]", "twice"),
        ("rules: [", "expected"),
    ])
    func `each mistake is one message`(rules: String, message: String) {
        let found = problems(rules)
        #expect(found.contains { $0.contains(message) }, "\(found)")
        #expect(found.allSatisfy { $0.first?.isNumber == true }, "a line: \(found)")
    }

    @Test func `a newer schema is refused`() {
        #expect(throws: PolicyProblems.self) {
            try PolicyDocument.policy(
                "boathook_policy: 2\nname: a\ndescription: b\nextends: [vast]", known: [.vast])
        }
    }

    @Test func `narrowing never widens`() throws {
        let team = try policy(
            """
            rules:
              - use: vast/du
                limits: {wall_seconds: 86400, memory_mib: 900000}
                operands: {within: [/a, /b/c]}
            """)
        let used = try #require(Policy.vast.rules.first { $0.program == "du" })
        let rule = try #require(team.rules.first)
        #expect(rule.limits.wallSeconds == used.limits.wallSeconds)
        #expect(rule.limits.memoryBytes == used.limits.memoryBytes)
        let scoped = team.decide("du /b/c/d", scope: CommandScope(paths: ["/b"]))
        #expect(scoped.paths == ["/b/c"])
        #expect(team.decide("du /a", scope: CommandScope(paths: ["/b"])).verdict == .deny)
        // Nothing lies in both: no operand makes no difference.
        let nowhere = team.decide("du", scope: CommandScope(paths: ["/d"]))
        #expect(nowhere.denial?.code == "path_not_allowed")
    }
}
