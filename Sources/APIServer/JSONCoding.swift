internal import FoundationEssentials
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import VastAPI

/// JSON in and out, in the wire's way.
enum WireJSON {
    /// Sorted keys, so that equal answers are equal bytes.
    static func encode(_ value: some Encodable) throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(value))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, _ buffer: ByteBuffer) throws -> Value {
        try JSONDecoder().decode(type, from: Data(buffer.readableBytesView))
    }

    /// Any encodable value in the wire's open form.
    static func value(_ value: some Encodable) throws -> JSONValue {
        try decode(JSONValue.self, encode(value))
    }
}

extension Response {
    /// An answer whose content type is exactly `application/json`: upstream's clients take no other
    /// spelling (contract 0.5).
    static func json(
        _ value: some Encodable, status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]
    ) throws -> Response {
        var headers = headers
        headers[.contentType] = "application/json"
        return Response(
            status: status, headers: headers, body: .init(byteBuffer: try WireJSON.encode(value)))
    }
}

extension Request {
    /// The body as a JSON object.
    ///
    /// - Parameters:
    ///   - type: Its shape.
    ///   - limit: How many bytes it may have.
    ///   - isOptional: Whether no body at all stands for `{}`: where every field may be left out (contract 2).
    /// - Returns: The object.
    /// - Throws: ``WireError/invalidBody`` when it is longer than `limit` bytes, or is no JSON of the
    ///   wanted shape that means one thing: 483 on the wire.
    func jsonObject<Value: Decodable>(
        _ type: Value.Type, upTo limit: Int, isOptional: Bool = false
    ) async throws -> Value {
        try await json(type, upTo: limit, isOptional: isOptional).object
    }

    /// The same, and the bytes that it was written in.
    func json<Value: Decodable>(
        _ type: Value.Type, upTo limit: Int, isOptional: Bool = false
    ) async throws -> (object: Value, bytes: ByteBuffer) {
        var buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: limit)
        } catch let error as CancellationError {
            throw error
        } catch {
            // Too long, or not framed as HTTP frames bodies.
            throw WireError.invalidBody
        }
        if isOptional, buffer.readableBytes == 0 { buffer = ByteBuffer(string: "{}") }
        guard StrictJSON.isUnambiguous(buffer.readableBytesView) else {
            throw WireError.invalidBody
        }
        do {
            return (try WireJSON.decode(type, buffer), buffer)
        } catch {
            throw WireError.invalidBody
        }
    }
}
