internal import AgentLink
internal import HTTPTypes
internal import NIOCore
internal import NIOHTTPTypes

/// Closes connections whose requests do not come to their end (security.md, X14).
///
/// A head has ten seconds from its first byte on, a body thirty from its head on: whoever sends a byte now and
/// then holds a connection no longer than that. Bodies of agents are as long as outputs, and are watched by the
/// silence of the line alone.
final class RequestDeadlines: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    /// How long each part may take.
    struct Limits: Sendable, Hashable {
        var head: TimeAmount = .seconds(10)
        var body: TimeAmount = .seconds(30)
    }

    private enum Waiting {
        case firstByte, headEnd, bodyEnd
    }

    private let limits: Limits
    private var waiting = Waiting.firstByte
    private var timer: Scheduled<Void>?

    init(limits: Limits = Limits()) {
        self.limits = limits
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // Bytes pass here as requests alone; somebody must see the first byte of a head.
        let watch = FirstByteWatch { [self] in
            guard case .firstByte = waiting else { return }
            waiting = .headEnd
            start(limits.head, context.channel)
        }
        do {
            try context.pipeline.syncOperations.addHandler(watch, position: .first)
        } catch {
            context.fireErrorCaught(error)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            timer?.cancel()
            waiting = .bodyEnd
            if !Self.isLongUpload(head.path ?? "") { start(limits.body, context.channel) }
        case .body:
            break
        case .end:
            timer?.cancel()
            waiting = .firstByte
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // Answered before its end: what still comes is read for nobody, and not for long.
        if case .end = unwrapOutboundIn(data), case .bodyEnd = waiting {
            start(limits.body, context.channel)
        }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    private func start(_ limit: TimeAmount, _ channel: any Channel) {
        timer?.cancel()
        timer = channel.eventLoop.scheduleTask(in: limit) { channel.close(promise: nil) }
    }

    private static func isLongUpload(_ path: String) -> Bool {
        path.hasPrefix(LinkProtocol.resultsPath) || path.hasPrefix(LinkProtocol.outputPath)
    }
}

/// Tells of every piece of bytes that comes in.
private final class FirstByteWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let onBytes: () -> Void

    init(_ onBytes: @escaping () -> Void) {
        self.onBytes = onBytes
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        onBytes()
        context.fireChannelRead(data)
    }
}
