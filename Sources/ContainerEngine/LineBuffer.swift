internal import NIOCore

/// Cuts a stream of buffers into lines of bounded length.
struct LineBuffer {
    private var rest: [UInt8] = []

    /// - Returns: The lines that are complete now, without those that are empty.
    mutating func append(_ buffer: ByteBuffer) throws(EngineError) -> [[UInt8]] {
        rest.append(contentsOf: buffer.readableBytesView)
        var lines = rest.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        rest = lines.popLast().map(Array.init) ?? []
        guard rest.count <= Self.maximumByteCount else {
            throw EngineError(.refused, "the engine sent a line without an end")
        }
        return lines.filter { !$0.isEmpty }.map { Array($0) }
    }

    /// What is left when the stream has ended.
    func last() -> [UInt8] { rest }

    private static let maximumByteCount = 1 << 20
}
