internal import Glibc
internal import HTTPTypes
internal import Hummingbird
internal import NIOConcurrencyHelpers
internal import NIOCore

/// Whether an answer came to the one who asked, as far as this host can know.
///
/// A write alone tells nothing: it succeeds when the other end has closed its connection already. What is closed while the
/// answer is on its way is not seen.
final class AnswerWatch: Sendable {
    private let isDone = NIOLockedValueBox(false)
    private let lost: @Sendable () -> Void
    private let begins: @Sendable () -> Void
    private let arrived: @Sendable () async -> Void

    /// - Parameters:
    ///   - lost: Called when the answer did not arrive, or when nobody holds the watch any more to write it.
    ///   - begins: Called before it is written, when somebody is there to read it.
    ///   - arrived: Called when it was written then.
    init(
        lost: @escaping @Sendable () -> Void, begins: @escaping @Sendable () -> Void = {},
        arrived: @escaping @Sendable () async -> Void = {}
    ) {
        self.lost = lost
        self.begins = begins
        self.arrived = arrived
    }

    fileprivate func begin() { begins() }

    fileprivate func done() async {
        isDone.withLockedValue { $0 = true }
        await arrived()
    }

    deinit {
        if !isDone.withLockedValue({ $0 }) { lost() }
    }
}

extension Response {
    /// An answer as JSON whose arrival is watched.
    ///
    /// - Parameters:
    ///   - value: The answer.
    ///   - status: Its status.
    ///   - headers: More of them.
    ///   - context: Of the request.
    ///   - watch: Who is to hear of it.
    /// - Returns: The response.
    /// - Throws: When the value cannot be written as JSON.
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:],
        on context: APIContext, watch: AnswerWatch
    ) throws -> Response {
        var response = try json(value, status: status, headers: headers)
        let body = try WireJSON.encode(value)
        response.body = ResponseBody(contentLength: body.readableBytes) { writer in
            // Before, because one who has read all of it closes the connection, too.
            let isAwaited = await context.peerIsThere
            if isAwaited { watch.begin() }
            try await writer.write(body)
            try await writer.finish(nil)
            if isAwaited { await watch.done() }
        }
        return response
    }
}

extension APIContext {
    /// Whether the connection is open in both directions; a caller that has gone has closed its own at least.
    fileprivate var peerIsThere: Bool {
        get async {
            guard let socket = channel as? any SocketOptionProvider else { return true }
            let info = try? await socket.getTCPInfo().get()
            return info?.tcpi_state == Self.established
        }
    }

    /// `TCP_ESTABLISHED` (netinet/tcp.h).
    private static let established: UInt8 = 1
}
