internal import AgentLink
internal import ControlPlane
internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// A final result as an answer: validators, one range, and the bytes as they are read.
struct ResultResponse {
    private let final: CommandResult.Final

    init(_ final: CommandResult.Final) {
        self.final = final
    }

    func response(to request: Request) -> Response {
        var headers = headers
        if matches(request.headers[.ifNoneMatch]) {
            return Response(status: .notModified, headers: headers)
        }
        let count = final.reader.byteCount
        let condition = request.headers[.ifRange]
        // Of another method than GET, Range is ignored (RFC 9110, section 14.2).
        let isRanged = request.method == .get && (condition == nil || condition == entityTag)
        let requested = isRanged ? request.headers[.range] : nil
        switch requested.map({ ByteRange.parse($0, of: count) }) {
        case .some(.unsatisfiable):
            headers[.contentRange] = "bytes */\(count)"
            return Response(status: .rangeNotSatisfiable, headers: headers)
        case .some(.range(let range)):
            headers[.contentRange] = "bytes \(range.lowerBound)-\(range.upperBound - 1)/\(count)"
            return Response(status: .partialContent, headers: headers, body: body(range))
        case .some(.ignored), .none:
            return Response(status: .ok, headers: headers, body: body(0..<count))
        }
    }

    /// One stream, whole: neither ranges nor validators are for a part of a result.
    func response(stream: OutputFrame.Stream) -> Response {
        var headers = headers
        headers[.eTag] = nil
        headers[.reprDigest] = nil
        headers[.acceptRanges] = "none"
        let count =
            switch stream {
            case .stdout: final.command.outcome?.stdoutBytes
            case .stderr: final.command.outcome?.stderrBytes
            }
        return Response(
            status: .ok, headers: headers,
            body: body(final.reader.bytes(of: stream), count: Int(count ?? 0)))
    }

    /// A sentence of ours where there is no output: stock clients read nothing else.
    func response(explaining text: String) -> Response {
        var headers = headers
        headers[.eTag] = nil
        headers[.reprDigest] = nil
        headers[.acceptRanges] = "none"
        return Response(
            status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    private var headers: HTTPFields {
        var headers: HTTPFields = [
            // Without the charset, clients take the text for Latin-1 (contract 1.2).
            .contentType: "text/plain; charset=utf-8",
            .acceptRanges: "bytes",
            .cacheControl: "private, no-transform",
            .xContentTypeOptions: "nosniff",
            .commandState: final.command.state.rawValue,
            .commandComplete: final.command.outcome?.isComplete == false ? "false" : "true",
        ]
        headers[.eTag] = entityTag
        if let digest = final.command.outcome.flatMap({ Data(hexadecimal: $0.sha256) }) {
            headers[.reprDigest] = "sha-256=:\(digest.base64EncodedString()):"
        }
        if let exitCode = final.command.outcome?.exitCode {
            headers[.commandExitCode] = String(exitCode)
        }
        return headers
    }

    private var entityTag: String? {
        final.command.outcome.map { "\"\($0.sha256)\"" }
    }

    private func matches(_ condition: String?) -> Bool {
        guard let condition, let entityTag else { return false }
        return condition.split(separator: ",").contains {
            let tag = $0.filter { $0 != " " }
            return tag == entityTag || tag == "W/\(entityTag)" || tag == "*"
        }
    }

    private func body(_ range: Range<Int64>) -> ResponseBody {
        body(final.reader.bytes(in: range), count: Int(range.upperBound - range.lowerBound))
    }

    private func body(_ pieces: AsyncThrowingStream<[UInt8], any Error>, count: Int) -> ResponseBody
    {
        ResponseBody(contentLength: count) { writer in
            for try await piece in pieces { try await writer.write(ByteBuffer(bytes: piece)) }
            try await writer.finish(nil)
        }
    }
}

/// One range of bytes as a request names it (RFC 9110, section 14.1.2).
enum ByteRange: Hashable {
    case range(Range<Int64>)
    case unsatisfiable
    /// Not a range of bytes, or several: the whole is sent, as the RFC allows.
    case ignored

    static func parse(_ text: String, of count: Int64) -> ByteRange {
        let prefix = "bytes="
        guard text.hasPrefix(prefix) else { return .ignored }
        let parts = text.dropFirst(prefix.count).split(
            separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return .ignored }
        switch (number(parts[0]), number(parts[1])) {
        case (let first?, let last?) where first <= last:
            return first < count ? .range(first..<min(last + 1, count)) : .unsatisfiable
        case (let first?, nil) where parts[1].isEmpty:
            return first < count ? .range(first..<count) : .unsatisfiable
        case (nil, let suffix?) where parts[0].isEmpty:
            return suffix > 0 && count > 0 ? .range(max(0, count - suffix)..<count) : .unsatisfiable
        default:
            return .ignored
        }
    }

    private static func number(_ text: Substring) -> Int64? {
        guard !text.isEmpty, text.utf8.count <= 18,
            text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        return Int64(text)
    }
}

extension Data {
    fileprivate init?(hexadecimal text: String) {
        let digits = Array(text.utf8)
        guard digits.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard
                let byte = UInt8(
                    String(decoding: digits[index...(index + 1)], as: UTF8.self), radix: 16)
            else { return nil }
            bytes.append(byte)
        }
        self.init(bytes)
    }
}
