internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// A document that is part of the program: the OpenAPI file, the page for language models.
struct DocumentRoute: Sendable {
    let bytes: [UInt8]
    let contentType: String

    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        Response(
            status: .ok, headers: [.contentType: contentType],
            body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// `GET /healthz`: the server serves.
struct HealthRoute: Sendable {
    @Sendable func callAsFunction(_ request: Request, _ context: APIContext) async throws
        -> Response
    {
        try .json(["status": "ok"])
    }
}
