import AgentLink
import Testing

@Suite struct OutputFrameTests {
    static let frames: [OutputFrame] = [
        OutputFrame(stream: .stdout, bytes: Array("hello".utf8)),
        OutputFrame(stream: .stderr, bytes: [0, 255, 10]),
        OutputFrame(stream: .stdout, bytes: Array(repeating: 7, count: 70_000)),
    ]

    static var encoded: [UInt8] {
        frames.flatMap { OutputFrame.head(stream: $0.stream, count: $0.bytes.count) + $0.bytes }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 4096, 1 << 20])
    func `frames come out the same whatever the pieces are`(size: Int) throws {
        var decoder = OutputFrameDecoder()
        var stdout: [UInt8] = []
        var stderr: [UInt8] = []
        var rest = Self.encoded[...]
        while !rest.isEmpty {
            try decoder.decode(rest.prefix(size)) { stream, bytes in
                if stream == .stdout { stdout += bytes } else { stderr += bytes }
            }
            rest = rest.dropFirst(size)
        }
        #expect(decoder.isBetweenFrames)
        #expect(stdout == Self.frames[0].bytes + Self.frames[2].bytes)
        #expect(stderr == Self.frames[1].bytes)
    }

    @Test func `a series that stops inside a frame is not whole`() throws {
        for length in [1, 4, 5, 7] {
            var decoder = OutputFrameDecoder()
            try decoder.decode(Self.encoded.prefix(length)) { _, _ in }
            #expect(!decoder.isBetweenFrames)
        }
    }

    @Test(arguments: [[0, 0, 0, 0, 1, 9], [3, 0, 0, 0, 1, 9], [1, 255, 255, 255, 255, 9]])
    func `an unknown stream and an endless frame are refused`(bytes: [UInt8]) {
        var decoder = OutputFrameDecoder()
        #expect(throws: OutputFrameDecoder.Malformed.self) {
            try decoder.decode(bytes[...]) { _, _ in }
        }
    }
}
