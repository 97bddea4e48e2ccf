import Agent
import AgentLink
import ControlPlane

/// The agent's link in `boathook up`: the server's gateway in the same process.
///
/// Nobody can come between the two, so nothing is signed.
struct LocalLink: ServerLink {
    let gateway: AgentGateway
    let machine: Machine

    func connect(_ hello: AgentHello) async throws -> AsyncThrowingStream<ServerMessage, any Error>
    {
        let messages = try await gateway.attach(machine, hello: hello)
        return AsyncThrowingStream { continuation in
            let reader = Task {
                for await message in messages { continuation.yield(message) }
                continuation.finish()
            }
            continuation.onTermination = { _ in reader.cancel() }
        }
    }

    func send(_ message: AgentMessage) async throws {
        try await gateway.receive([message], from: machine)
    }

    func relay(_ relayID: String, frames: FollowedOutput) async throws {
        try await gateway.relay(relayID, run: frames.run, frames: frames, from: machine)
    }

    func deliver(_ report: CommandFinished, output: SpooledOutput) async throws {
        do {
            try await gateway.complete(report, frames: output.chunks(), from: machine)
        } catch let error as ControlPlaneError
            where error.code == .agentRefused || error.code == .commandNotFound
        {
            throw ReportRefused(error.message)
        }
    }
}
