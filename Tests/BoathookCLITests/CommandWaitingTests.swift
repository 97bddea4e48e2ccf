import Synchronization
import Testing
import VastAPI

@testable import BoathookCLI

@Suite(.timeLimit(.minutes(3))) struct CommandWaitingTests {
    private let presses: AsyncStream<Void>
    private let interrupt: AsyncStream<Void>.Continuation

    init() {
        (presses, interrupt) = AsyncStream.makeStream(of: Void.self)
    }

    private func waiting(
        _ server: StubServer, follows: Bool = false, notice: Duration = .seconds(3600),
        tell: @escaping @Sendable (String) -> Void = { _ in }
    ) -> CommandWaiting {
        CommandWaiting(
            client: server.client(.patient), follows: follows, interrupts: Interrupts(presses),
            noticePause: notice, tell: tell, leave: { _ in })
    }

    /// A server on which the command ends as soon as it is cancelled.
    private func cancelling() async throws -> StubServer {
        let cancelled = try StubServer.Answer.json(CommandRow.ended("cancelled"))
        let isCancelled = Cancelled()
        return try await StubServer { _, head in
            if head.hasPrefix("DELETE /api/v0/commands/7/ ") {
                isCancelled.value.withLock { $0 = true }
                return .init("200 OK", "application/json", "{}")
            }
            // Held back for a while, and then nothing.
            return isCancelled.value.withLock { $0 }
                ? cancelled : .init("503 Service Unavailable", "text/plain", "not yet")
        }
    }

    private final class Cancelled: Sendable {
        let value = Mutex(false)
    }

    @Test func `an interrupt cancels the command`() async throws {
        let server = try await cancelling()
        let row = try await waiting(server).end {
            interrupt.yield()
            return (7, nil)
        }
        #expect(row.state == "cancelled")
    }

    @Test func `one that comes before there is a command is not forgotten`() async throws {
        let server = try await cancelling()
        let (told, tell) = AsyncStream.makeStream(of: String.self)
        let row = try await waiting(server, notice: .zero, tell: { tell.yield($0) }).end {
            interrupt.yield()
            // The order is answered when the interrupt has been heard.
            var told = told.makeAsyncIterator()
            #expect(
                await told.next() == "the order is not answered yet; interrupt again to leave")
            return (7, nil)
        }
        #expect(row.state == "cancelled")
    }

    @Test(arguments: [true, false])
    func `another one leaves a command whose server is cut off`(follows: Bool) async throws {
        // The command is asked for once it is known.
        let server = try await StubServer { number, _ in
            if number == 0 { interrupt.yield() }
            return .silence
        }
        let told = Mutex<[String]>([])
        let error = try await clientError {
            _ = try await waiting(
                server, follows: follows, notice: .zero,
                tell: { text in
                    told.withLock { $0.append(text) }
                    interrupt.yield()
                }
            ).end { (7, nil) }
        }
        #expect(error?.exitCode == 126)
        #expect(error?.description.hasPrefix("command 7 was accepted, ") == true)
        #expect(told.withLock { $0 } == ["cancelling command 7; interrupt again to leave"])
    }

    @Test func `another one leaves an order that is not answered`() async throws {
        let server = try await StubServer { _, _ in .silence }
        let error = try await clientError {
            _ = try await waiting(server, notice: .zero, tell: { _ in interrupt.yield() }).end {
                interrupt.yield()
                let _: CommandRow = try await server.client(.patient).get("/")
                return (7, nil)
            }
        }
        #expect(error?.exitCode == 126)
        #expect(error?.description.hasPrefix("the command may have been accepted; ") == true)
    }

    /// Some programs hand on to their children what the terminal has told them already.
    @Test func `the same interrupt twice is one`() async throws {
        let server = try await cancelling()
        let row = try await waiting(server).end {
            interrupt.yield()
            interrupt.yield()
            return (7, nil)
        }
        #expect(row.state == "cancelled")
    }

    @Test func `what is known already is not asked for`() async throws {
        let server = try await StubServer { _, _ in .silence }
        let row = try await waiting(server).end { (7, .ended()) }
        #expect(row == .ended())
        #expect(server.requests.isEmpty)
    }
}
