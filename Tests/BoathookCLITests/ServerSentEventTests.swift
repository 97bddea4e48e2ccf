import NIOCore
import Testing

@testable import BoathookCLI

@Suite struct ServerSentEventTests {
    static let text = """
        : waiting

        event: stdout
        id: 17.5/3
        data: {"text":"é"}

        data: one
        data: two
        unknown: x

        event: no data

        event: end
        data:{}


        """

    @Test func `events are cut out of pieces of any size`() {
        let expected = [
            ServerSentEvent(name: "stdout", data: #"{"text":"é"}"#, id: "17.5/3"),
            ServerSentEvent(name: "message", data: "one\ntwo", id: nil),
            ServerSentEvent(name: "end", data: "{}", id: nil),
        ]
        let bytes = Array(Self.text.utf8)
        for size in 1...bytes.count {
            var decoder = ServerSentEventDecoder()
            var events: [ServerSentEvent] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                let piece = bytes[start..<min(start + size, bytes.count)]
                events += decoder.decode(ByteBuffer(bytes: piece))
            }
            #expect(events == expected, "in pieces of \(size)")
        }
    }
}
