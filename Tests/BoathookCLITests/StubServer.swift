import FoundationEssentials
import NIOCore
import NIOPosix
import Synchronization
import VastAPI

@testable import BoathookCLI

/// A server that answers as a test says, also what Boathook's own never would: to requests without a body.
final class StubServer: Sendable {
    struct Answer: Sendable {
        var bytes: [UInt8]
        /// Whether the connection stays there, silent.
        var stays = false

        /// - Parameters:
        ///   - status: With its reason.
        ///   - type: Of the body.
        ///   - body: What is sent of it.
        ///   - count: How many bytes are promised; so many as are sent when it is nil.
        ///   - more: Further lines of the head.
        ///   - stays: Whether the connection stays there, silent.
        init(
            _ status: String = "200 OK", _ type: String = "application/json", _ body: String = "",
            count: Int? = nil, more: String = "", stays: Bool = false
        ) {
            let head = """
                HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nConnection: close\r\n\(more)\
                Content-Length: \(count ?? body.utf8.count)\r\n\r\n
                """
            bytes = Array((head + body).utf8)
            self.stays = stays
        }

        /// Events, of which more are promised.
        static func events(_ text: String, stays: Bool = false) -> Answer {
            Answer("200 OK", "text/event-stream", text, count: 1 << 20, stays: stays)
        }

        static func json(_ value: some Encodable) throws -> Answer {
            Answer(body: String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
        }

        private init(body: String) { self.init("200 OK", "application/json", body) }

        /// Not even a head.
        static let silence = {
            var answer = Answer()
            answer.bytes = []
            answer.stays = true
            return answer
        }()
    }

    let url: String
    private let channel: any Channel
    private let heads: Log

    /// - Parameter answer: Gets the request's number, from 0 on, and its head.
    /// - Throws: When there is no port to listen on.
    init(_ answer: @escaping @Sendable (Int, String) -> Answer) async throws {
        let heads = Log()
        self.heads = heads
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { head in answer(heads.add(head), head) })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        url = "http://127.0.0.1:\(channel.localAddress?.port ?? 0)"
    }

    deinit { channel.close(promise: nil) }

    /// The heads of all requests so far.
    var requests: [String] { heads.all.withLock { $0 } }

    func client(_ timing: ClientTiming = .patient) -> APIClient {
        APIClient(baseURL: url, key: "k", timing: timing)
    }

    private final class Log: Sendable {
        let all = Mutex<[String]>([])

        func add(_ head: String) -> Int {
            all.withLock {
                $0.append(head)
                return $0.count - 1
            }
        }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: (String) -> Answer
        private var head = ""

        init(_ answer: @escaping (String) -> Answer) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            head += String(buffer: unwrapInboundIn(data))
            guard head.contains("\r\n\r\n") else { return }
            let answer = answer(head)
            head = ""
            let channel = context.channel
            channel.writeAndFlush(ByteBuffer(bytes: answer.bytes)).whenComplete { _ in
                if !answer.stays { channel.close(promise: nil) }
            }
        }
    }
}

extension ClientTiming {
    /// What hangs is found by the test's own limit.
    static let patient = ClientTiming(
        silence: { try await Task.sleep(for: .seconds(3600)) }, absence: .seconds(3600),
        pause: .milliseconds(10))
    /// A server may not be away for any time, but is asked once more.
    static let hasty = ClientTiming(
        silence: patient.silence, absence: .zero, pause: .milliseconds(1))
}

/// Time that a test lets pass for a server that is waited for.
final class Silence: Sendable {
    private struct State {
        var isOver = false
        var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
        var cancelled: Set<Int> = []
        var count = 0
    }
    private let state = Mutex(State())

    /// What waits now, or next, has waited for too long.
    func fall() {
        let waiters = state.withLock { state in
            defer { state.waiters = [:] }
            state.isOver = state.waiters.isEmpty
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// How many wait.
    var waiting: Int { state.withLock { $0.waiters.count } }

    func timing(_ other: ClientTiming) -> ClientTiming {
        var timing = other
        timing.silence = { try await self.wait() }
        return timing
    }

    private func wait() async throws {
        let number = state.withLock { state in
            state.count += 1
            return state.count
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.contains(number) { return .failure(CancellationError()) }
                    if state.isOver {
                        state.isOver = false
                        return .success(())
                    }
                    state.waiters[number] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiter = state.withLock { state in
                state.cancelled.insert(number)
                return state.waiters.removeValue(forKey: number)
            }
            waiter?.resume(throwing: CancellationError())
        }
    }
}

extension CommandRow {
    static func ended(_ state: String = "exited", stdout: Int64 = 0, stderr: Int64 = 0)
        -> CommandRow
    {
        CommandRow(
            id: 7, instanceID: 3, command: "ls", state: state, final: true, run: "1.1",
            exitCode: state == "exited" ? 0 : nil, signal: nil, note: nil, stdoutBytes: stdout,
            stderrBytes: stderr, outputBytes: stdout + stderr, sha256: "abc", complete: true,
            createdAt: 1, startedAt: 1, finishedAt: 2, runtime: 1, decision: .null, removal: nil,
            outputURL: "")
    }

    var event: String {
        get throws {
            "event: end\ndata: \(String(decoding: try JSONEncoder().encode(self), as: UTF8.self))\n\n"
        }
    }
}

/// The error with which something ends.
func clientError(_ body: () async throws -> Void) async throws -> ClientError? {
    do {
        try await body()
        return nil
    } catch let error as ClientError {
        return error
    }
}
