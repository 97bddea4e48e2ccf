internal import NIOCore

/// One Server-Sent Event (HTML standard, section 9.2).
struct ServerSentEvent: Sendable, Hashable {
    var name = "message"
    var data = ""
    /// To be given back when the stream is opened again; nil when the event has none.
    var id: String?
}

/// Cuts a stream of bytes into events, whatever the pieces in which it arrives.
struct ServerSentEventDecoder: Sendable {
    private var rest: [UInt8] = []
    private var event = ServerSentEvent()
    private var hasData = false

    /// The events that end in these bytes.
    mutating func decode(_ buffer: ByteBuffer) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        rest.append(contentsOf: buffer.readableBytesView)
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = lines.popLast().map(Array.init) ?? []
        for line in lines {
            take(line, &events)
        }
        return events
    }

    private mutating func take(_ line: ArraySlice<UInt8>, _ events: inout [ServerSentEvent]) {
        if line.isEmpty {
            if hasData { events.append(event) }
            event = ServerSentEvent()
            hasData = false
            return
        }
        let parts = line.split(
            separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let field = String(decoding: parts[0], as: UTF8.self)
        var value = parts.count > 1 ? parts[1] : []
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        let text = String(decoding: value, as: UTF8.self)
        switch field {
        case "event": event.name = text
        case "id": event.id = text
        case "data":
            event.data = hasData ? event.data + "\n" + text : text
            hasData = true
        default: break  // a comment, or nothing that we use
        }
    }
}
