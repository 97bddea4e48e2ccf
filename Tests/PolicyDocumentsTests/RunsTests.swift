import CommandPolicy
import PolicyDocuments
import Testing

@Suite struct RunsTests {
    private func problems(_ runs: String) -> [String] {
        do throws(PolicyProblems) {
            _ = try PolicyDocument.policy(
                """
                boathook_policy: 1
                name: team
                description: A test's.
                rules: [{program: logs, runs: \(runs), forms: [[logs]]}]
                """, known: Policy.shipped)
            return []
        } catch {
            return error.problems.map(\.description)
        }
    }

    @Test func `no rule of a policy reads logs`() {
        #expect(problems("logs").contains { $0.contains("'runs' must be jail or engine") })
        #expect(problems("engine").isEmpty)
    }
}
