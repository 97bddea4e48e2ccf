import CommandPolicy
import ControlPlane
import PolicyDocuments
import Testing

@Suite struct CompletionBellTests {
    @Test func `all who took a place are woken, whether they wait already or not`() async {
        let bell = CompletionBell()
        let early = bell.place(for: 1)
        let late = bell.place(for: 1)
        async let woken = early.wait(atMost: .seconds(3600))
        bell.ring(.sample(1))
        #expect(await woken?.id == 1)
        #expect(await late.wait(atMost: .seconds(3600))?.id == 1)
    }

    @Test func `another command's end wakes nobody`() async {
        let bell = CompletionBell()
        let place = bell.place(for: 1)
        bell.ring(.sample(2))
        #expect(await place.wait(atMost: .milliseconds(1)) == nil)
    }

    @Test func `a waiter that is cancelled comes back`() async {
        let bell = CompletionBell()
        let waiter = Task { await bell.place(for: 1).wait(atMost: .seconds(3600)) }
        waiter.cancel()
        #expect(await waiter.value == nil)
    }
}

extension Command {
    fileprivate static func sample(_ id: Command.ID) -> Command {
        Command(
            id: id, accountID: 1, keyID: 1, instanceID: 1, machineID: 1, containerID: "c",
            text: "ls", decision: Policy.vast.decide("ls"), state: .exited, timeoutSeconds: 1,
            createdAt: 0, startBy: 0, resultDigest: Secret().digest, resultExpiresAt: 0)
    }
}
