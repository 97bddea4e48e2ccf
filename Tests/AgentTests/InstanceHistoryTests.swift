import AgentLink
import CommandPolicy
import PolicyDocuments
import Testing

@testable import Agent

@Suite struct InstanceHistoryTests {
    @Test func `lines are kept by instance, with their time, each as one line`() throws {
        let history = InstanceHistory()
        history.note("pulling\ndebian:12\u{1B}[2J", instance: 1)
        history.note("started", instance: 2)
        history.note("stopped", instance: 1)
        let lines = history.lines(instance: 1)
        #expect(lines.count == 2)
        let first = try #require(lines.first)
        #expect(
            first.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ pulling debian:12 \[2J/) != nil)
        #expect(history.lines(instance: 3).isEmpty)
    }

    @Test func `lines, their length and instances are bounded; the newest stay`() {
        let history = InstanceHistory()
        for number in 1...600 { history.note("line \(number)", instance: 1) }
        #expect(history.lines(instance: 1).count == InstanceHistory.maximumLineCount)
        #expect(history.lines(instance: 1).last?.hasSuffix("line 600") == true)
        history.note(String(repeating: "é", count: 4000), instance: 1)
        let long = history.lines(instance: 1).last ?? ""
        #expect((1000...InstanceHistory.maximumLineByteCount).contains(long.utf8.count))
        for instance in 2...Int64(InstanceHistory.maximumInstanceCount) {
            history.note("x", instance: instance)
        }
        history.note("kept", instance: 1)
        history.note("x", instance: 5000)
        #expect(!history.lines(instance: 1).isEmpty)
        #expect(history.lines(instance: 2).isEmpty)
        #expect(!history.lines(instance: 3).isEmpty)
    }

    /// What a server may ask for, beside what policies decide.
    @Test func `a machine reads what is a request of a log, and nothing else`() throws {
        let policy = MachinePolicy(.vast)
        func order(
            _ argv: [String], text: String? = nil, writes: Bool = false, paths: [String]? = nil
        ) -> RunCommand {
            RunCommand(
                commandID: 1, containerID: "c", command: text ?? argv.joined(separator: " "),
                argv: argv, policy: "boathook", writes: writes, backend: .logs, paths: paths,
                limits: CommandLimits(maximumWallSeconds: 50), timeoutMilliseconds: 1,
                startWithinMilliseconds: 1, outputLimit: 1, accountID: 1)
        }
        let words = LogRequest(tail: 5).argv
        let decision = try policy.decide(order(words))
        #expect(decision.backend == .logs && decision.argv == words && !decision.writes)
        #expect(decision.limits?.maximumWallSeconds == 50)
        for refused in [
            order(["ls"]), order(["logs", "--tail", "5", "x"]), order(words, writes: true),
            order(words, paths: ["/workspace"]), order(words, text: "logs --tail 6"),
        ] {
            #expect(throws: CommandRefusal.self) { try policy.decide(refused) }
        }
        // Nor does a log come by another way.
        var command = order(words)
        command.backend = .jail
        #expect(throws: CommandRefusal.self) { try policy.decide(command) }
    }
}
