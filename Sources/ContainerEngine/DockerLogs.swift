internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

extension DockerEngine {
    package func logs(
        of id: Container.ID, tail: Int?, follow: Bool
    ) async throws -> AsyncThrowingStream<(EngineProcess.Stream, [UInt8]), any Error> {
        // Their form depends on it, and not every engine says so in the answer's head.
        let container: InspectedContainer? = try await get(
            "/containers/\(id)/json", timeout: .seconds(30))
        guard let container else { throw EngineError(.noContainer, "the container is gone") }
        let lines = tail.map { "\(max(0, $0))" } ?? "all"
        let response = try await execute(
            .GET,
            "/containers/\(id)/logs?stdout=1&stderr=1&tail=\(lines)&follow=\(follow ? 1 : 0)",
            deadline: follow ? .distantFuture : .now() + .hours(1))
        guard response.status == .ok else {
            let message = try await message(of: response)
            throw EngineError(response.status == .notFound ? .noContainer : .refused, message)
        }
        return EngineOutput.stream(
            of: response, isFramed: !(container.config?.hasTerminal ?? false))
    }
}
