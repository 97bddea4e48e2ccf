package import AgentLink
package import ControlPlane

/// An agent without a machine: takes orders through the gateway, as a real one does, and answers each
/// as it is told to.
package struct SimulatedAgent: Sendable {
    /// What a command comes to here.
    package struct Answer: Sendable {
        package var report: CommandFinished
        package var frames: [OutputFrame]

        package init(report: CommandFinished, frames: [OutputFrame]) {
            self.report = report
            self.frames = frames
        }
    }

    private let gateway: AgentGateway
    private let machine: Machine

    package init(gateway: AgentGateway, machine: Machine) {
        self.gateway = gateway
        self.machine = machine
    }

    /// Tells which containers there are.
    package func report(_ instances: [InstanceReport]) async throws {
        try await gateway.receive([.inventory(instances)], from: machine)
    }

    /// Tells anything else.
    package func tell(_ messages: AgentMessage...) async throws {
        try await gateway.receive(messages, from: machine)
    }

    /// Opens the link and answers orders until the link ends or the task is cancelled.
    ///
    /// - Parameters:
    ///   - connected: Called once the link is open.
    ///   - output: What a running command has written for one who follows it, and which start of the tool
    ///     that is; nil leaves the wish unanswered.
    ///   - cancelled: Called with a wish to cancel.
    ///   - wanted: Called with what is wanted of an instance, or that it is to be started afresh.
    ///   - answer: What an order comes to; nil leaves it unanswered.
    /// - Throws: What the gateway throws when the link is opened or an answer handed over.
    package func run(
        connected: @Sendable () -> Void = {},
        output: @Sendable (SendOutput) async -> (run: String, frames: [OutputFrame])? = { _ in nil
        },
        cancelled: @Sendable (CancelCommand) async -> Void = { _ in },
        wanted: @Sendable (ServerMessage) async -> Void = { _ in },
        answer: @Sendable (RunCommand) async -> Answer?
    ) async throws {
        for await message in try await gateway.attach(
            machine, hello: AgentHello(heldCommandIDs: []))
        {
            switch message {
            case .welcome:
                connected()
            case .runCommand(let order):
                guard let answer = await answer(order) else { continue }
                try await deliver(answer)
            case .sendOutput(let wish):
                guard let (run, frames) = await output(wish) else { continue }
                try await gateway.relay(
                    wish.relayID, run: run, frames: Self.stream(frames), from: machine)
            case .cancelCommand(let wish):
                await cancelled(wish)
            case .wantInstance, .restartInstance:
                await wanted(message)
            case .heartbeat:
                break
            }
        }
    }

    /// Hands a command's end over.
    package func deliver(_ answer: Answer) async throws {
        try await gateway.complete(
            answer.report, frames: Self.stream(answer.frames), from: machine)
    }

    private static func stream(
        _ frames: [OutputFrame]
    ) -> AsyncThrowingStream<[UInt8], any Error> {
        let bytes = frames.flatMap {
            OutputFrame.head(stream: $0.stream, count: $0.bytes.count) + $0.bytes
        }
        return AsyncThrowingStream { continuation in
            if !bytes.isEmpty { continuation.yield(bytes) }
            continuation.finish()
        }
    }
}
