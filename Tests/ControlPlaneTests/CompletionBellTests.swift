import ControlPlane
import Testing

@Suite struct CompletionBellTests {
    @Test func `all who took a place are woken, whether they wait already or not`() async {
        let bell = CompletionBell()
        let early = bell.place(for: 1)
        let late = bell.place(for: 1)
        async let woken = early.wait(atMost: .seconds(60))
        bell.ring(1)
        #expect(await woken)
        #expect(await late.wait(atMost: .seconds(60)))
    }

    @Test func `another command's end wakes nobody`() async {
        let bell = CompletionBell()
        let place = bell.place(for: 1)
        bell.ring(2)
        #expect(await !place.wait(atMost: .milliseconds(1)))
    }

    @Test func `a waiter that is cancelled comes back`() async {
        let bell = CompletionBell()
        let waiter = Task { await bell.place(for: 1).wait(atMost: .seconds(600)) }
        waiter.cancel()
        #expect(await !waiter.value)
    }
}
