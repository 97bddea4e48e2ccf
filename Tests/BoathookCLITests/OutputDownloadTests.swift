import NIOCore
import Testing
import VastAPI

@testable import BoathookCLI

/// A command whose standard output has ten bytes, `0123456789`.
@Suite(.timeLimit(.minutes(3))) struct OutputDownloadTests {
    private func downloaded(
        _ row: CommandRow = .ended(stdout: 10), from server: StubServer,
        _ timing: ClientTiming = .patient
    ) async throws -> String {
        var bytes: [UInt8] = []
        try await OutputDownload(client: server.client(timing), row: row)("stdout", count: 10) {
            piece throws(ClientError) in bytes += piece
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func failure(
        _ answer: StubServer.Answer, _ timing: ClientTiming = .patient
    ) async throws -> (ClientError?, [String]) {
        let server = try await StubServer { _, _ in answer }
        let error = try await clientError { _ = try await downloaded(from: server, timing) }
        return (error, server.requests)
    }

    @Test func `what was cut is gone on with, where parts can be had`() async throws {
        let server = try await StubServer { number, _ in
            number == 0
                ? .init("200 OK", "text/plain", "0123", count: 10)
                : .init(
                    "206 Partial Content", "text/plain", "456789",
                    more: "Content-Range: bytes 4-9/10\r\n")
        }
        #expect(try await downloaded(from: server) == "0123456789")
        let requests = server.requests
        #expect(requests.count == 2)
        #expect(requests[0].hasPrefix("GET /api/v0/commands/7/output HTTP/1.1\r\n"))
        #expect(!requests[0].contains("Range:"))
        #expect(requests[1].contains("\r\nRange: bytes=4-\r\n"))
        #expect(requests[1].contains("\r\nIf-Range: \"abc\"\r\n"))
    }

    /// Of each stream apart there are none.
    @Test func `each byte is written once where there are no parts`() async throws {
        let server = try await StubServer { number, _ in
            switch number {
            case 0: .init("200 OK", "text/plain", "012345", count: 10)
            case 1: .init("502 Bad Gateway", "text/html", "<p>wait</p>")
            // Cut before what was written already; then its end is missing, without a word.
            case 2: .init("200 OK", "text/plain", "0123", count: 10)
            case 3: .init("200 OK", "text/plain", "01234567")
            default: .init("200 OK", "text/plain", "0123456789")
            }
        }
        #expect(try await downloaded(.ended(stdout: 10, stderr: 1), from: server) == "0123456789")
        let requests = server.requests
        #expect(requests.count == 5)
        #expect(
            requests.allSatisfy { $0.hasPrefix("GET /api/v0/commands/7/output?stream=stdout ") })
    }

    @Test func `a server that stays away is told in words, with 126`() async throws {
        let (error, requests) = try await failure(
            .init("502 Bad Gateway", "text/html", "x"), .hasty)
        #expect(requests.count == 2)
        #expect(error?.exitCode == 126)
        #expect(error?.description.hasPrefix("command 7 has ended, but not all of its") == true)
        #expect(error?.description.contains("502 Bad Gateway") == true)
    }

    /// However often it comes.
    @Test func `the same beginning again is no progress`() async throws {
        let (error, _) = try await failure(.init("200 OK", "text/plain", "0123", count: 10), .hasty)
        #expect(error?.exitCode == 126)
    }

    @Test func `what is not kept any more is not asked for again`() async throws {
        let (error, requests) = try await failure(
            .init(
                "404 Not Found", "application/json",
                #"{"success":false,"error":"no_result","msg":"There is no result here, or not yet."}"#
            ))
        #expect(requests.count == 1)
        #expect(error?.status == 404)
        #expect(error?.exitCode == 126)
    }

    @Test func `a page is no output, nor is another part`() async throws {
        let (page, _) = try await failure(.init("200 OK", "text/html", "<p>log in</p>"))
        #expect(page?.exitCode == 126)
        let server = try await StubServer { number, _ in
            number == 0
                ? .init("200 OK", "text/plain", "0123", count: 10)
                : .init(
                    "206 Partial Content", "text/plain", "56789",
                    more: "Content-Range: bytes 5-9/10\r\n")
        }
        #expect(
            try await clientError { _ = try await downloaded(from: server) }?.exitCode == 126)
    }

    @Test func `what cannot be written ends it at once`() async throws {
        let server = try await StubServer { _, _ in .init("200 OK", "text/plain", "0123456789") }
        let download = OutputDownload(client: server.client(.patient), row: .ended(stdout: 10))
        let error = try await clientError {
            try await download("stdout", count: 10) { _ throws(ClientError) in
                throw ClientError("cannot write: Broken pipe", exitCode: 74)
            }
        }
        #expect(error?.exitCode == 74)
        #expect(error?.description == "cannot write: Broken pipe")
        #expect(server.requests.count == 1)
    }
}
