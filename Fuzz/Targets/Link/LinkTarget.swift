internal import AgentLink
internal import FoundationEssentials
internal import FuzzReference
internal import FuzzSupport

/// What comes over the link, after a byte that says where: no bytes crash a reader, and what is read is
/// written as something that is read as the same.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzLink(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let input = UnsafeBufferPointer(start: bytes, count: count)
    guard let kind = input.first else { return -1 }
    let rest = UnsafeBufferPointer(rebasing: input.dropFirst())
    switch kind {
    case UInt8(ascii: "S"): checkMessage(ServerMessage.self, rest)
    case UInt8(ascii: "A"): checkMessage([AgentMessage].self, rest)
    case UInt8(ascii: "F"): checkMessage(CommandFinished.self, rest)
    case UInt8(ascii: "H"): checkMessage(AgentHello.self, rest)
    case UInt8(ascii: "J"): checkMessage(JoinRequest.self, rest)
    case UInt8(ascii: "R"): checkMessage(JoinReply.self, rest)
    case UInt8(ascii: "O"): checkFrames(rest)
    default: return -1
    }
    return 0
}

private func checkMessage<Message: Codable & Hashable>(
    _ type: Message.Type, _ bytes: UnsafeBufferPointer<UInt8>
) {
    guard let message = try? JSONDecoder().decode(type, from: Data(bytes)) else { return }
    do {
        let written = try encode(message)
        // A line of the link ends at the first line feed.
        require(!written.contains(UInt8(ascii: "\n")), "\(type): a message is two lines")
        let again = try JSONDecoder().decode(type, from: written)
        require(again == message, "\(type): what we write is read as something else")
        require(try encode(again) == written, "\(type): the same message is written in two ways")
    } catch {
        finding("\(type): what was read cannot be written or read again: \(error)")
    }
}

private func encode(_ message: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(message)
}

/// Frames in pieces: the first byte says of how many bytes.
private func checkFrames(_ input: UnsafeBufferPointer<UInt8>) {
    guard let size = input.first else { return }
    let frames = UnsafeBufferPointer(rebasing: input.dropFirst())
    let expected = frames_read(frames.baseAddress, frames.count)
    var decoder = OutputFrameDecoder()
    var output = StreamDigests()
    do {
        var rest = Array(frames)[...]
        while !rest.isEmpty {
            let piece = rest.prefix(max(1, Int(size)))
            try decoder.decode(piece) { stream, bytes in output.take(stream, bytes) }
            rest = rest.dropFirst(piece.count)
        }
        require(!expected.is_malformed, "frames: taken, and the reference refuses them")
        require(
            decoder.isBetweenFrames == expected.is_between_frames,
            "frames: whole for one of decoder and reference")
    } catch {
        require(expected.is_malformed, "frames: refused, and the reference takes them")
    }
    require(
        output.digests[1] == expected.digest.1 && output.digests[2] == expected.digest.2
            && output.byteCounts[1] == expected.byte_count.1
            && output.byteCounts[2] == expected.byte_count.2,
        "frames: other output than the reference has")
}

private struct StreamDigests {
    var digests = [UInt64](repeating: fnv1a_start, count: 3)
    var byteCounts = [0, 0, 0]

    mutating func take(_ stream: OutputFrame.Stream, _ bytes: ArraySlice<UInt8>) {
        let index = Int(stream.rawValue)
        digests[index] = bytes.withUnsafeBufferPointer {
            fnv1a(digests[index], $0.baseAddress, $0.count)
        }
        byteCounts[index] += bytes.count
    }
}
