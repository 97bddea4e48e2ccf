import CommandPolicy
import Testing

@Suite struct LogRequestTests {
    @Test(arguments: [
        (LogRequest(), ["logs", "--tail", "1000"]),
        (LogRequest(tail: 0, follows: true), ["logs", "--tail", "0", "--follow"]),
        (
            LogRequest(tail: 100_000, filter: "a b"),
            ["logs", "--tail", "100000", "--filter", "a b"]
        ),
        (
            LogRequest(.agent(instance: 7), tail: 5, filter: "--follow"),
            ["logs", "--daemon", "7", "--tail", "5", "--filter", "--follow"]
        ),
    ])
    func `a request and its words are the same`(request: LogRequest, words: [String]) {
        #expect(request.argv == words)
        #expect(LogRequest(argv: words) == request)
        #expect(request.decision().argv == words)
        #expect(request.decision().verdict == .allow)
    }

    @Test(arguments: [
        [], ["logs"], ["log", "--tail", "1"], ["logs", "--tail"], ["logs", "--tail", "x"],
        ["logs", "--tail", "-1"], ["logs", "--tail", "100001"], ["logs", "--tail", "01"],
        ["logs", "--tail", "+1"], ["logs", "--tail", "1", "--tail", "2"],
        ["logs", "--tail", "1", "--filter"], ["logs", "--tail", "1", "--filter", ""],
        ["logs", "--tail", "1", "--filter", String(repeating: "x", count: 513)],
        ["logs", "--tail", "1", "--follow", "--filter", "x"], ["logs", "--tail", "1", "-f"],
        ["logs", "--daemon", "--tail", "1"], ["logs", "--daemon", "7", "--tail", "1", "--follow"],
    ])
    func `other words are no request`(words: [String]) {
        #expect(LogRequest(argv: words) == nil)
    }

    @Test func `whoever is bound to paths or to other commands reads no log`() {
        let request = LogRequest()
        #expect(
            request.decision(scope: CommandScope(paths: ["/workspace"])).denial?.code
                == "not_granted")
        #expect(
            request.decision(scope: CommandScope(commands: ["vast"])).denial?.code == "not_granted"
        )
        for name in ["boathook", "boathook/logs"] {
            let decision = request.decision(scope: CommandScope(commands: ["vast", name]))
            #expect(decision.verdict == .allow)
            #expect(decision.rule == "boathook/logs")
        }
        #expect(request.decision(scope: CommandScope(writes: false)).verdict == .allow)
    }

    @Test func `no text is read as a request`() {
        let policy = Policy(name: "none", rules: [])
        #expect(policy.decide("logs --tail 1000").denial?.code == "unknown_program")
    }
}
