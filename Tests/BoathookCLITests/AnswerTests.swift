import NIOCore
import Testing

@testable import BoathookCLI

@Suite(.timeLimit(.minutes(3))) struct AnswerTests {
    /// As in `boathook execute … | less`: more than all buffers on the way hold.
    @Test func `no time passes for a server while what it sent is being written`() async throws {
        let text = String(repeating: "0123456789abcdef", count: 1 << 20)
        let server = try await StubServer { _, _ in .init("200 OK", "text/plain", text) }
        let silence = Silence()
        let (_, body) = try await server.client(silence.timing(.patient)).download(
            "/", from: 0, tag: nil)
        var whole = ByteBuffer()
        while var piece = try await body.next() {
            #expect(silence.waiting == 0)
            whole.writeBuffer(&piece)
        }
        #expect(whole == ByteBuffer(string: text))
    }

    @Test func `a server that falls silent is given up, and may be asked again`() async throws {
        let server = try await StubServer { _, _ in
            .init("200 OK", "text/plain", "half", count: 8, stays: true)
        }
        let silence = Silence()
        let (_, body) = try await server.client(silence.timing(.patient)).download(
            "/", from: 0, tag: nil)
        #expect(try await body.next() == ByteBuffer(string: "half"))
        silence.fall()
        let error = try await clientError { _ = try await body.next() }
        #expect(error?.mayPass == true)
        #expect(error?.description.contains("it does not answer") == true)
    }

    @Test func `a head that does not come is waited for as long`() async throws {
        let silence = Silence()
        let server = try await StubServer { _, _ in
            silence.fall()
            return .silence
        }
        let error = try await clientError {
            let _: [String: String] = try await server.client(silence.timing(.patient)).get("/")
        }
        #expect(error?.mayPass == true)
        #expect(error?.description == "cannot reach \(server.url): it does not answer")
    }

    /// A status of 1 would be the command's own.
    @Test(arguments: [
        StubServer.Answer("502 Bad Gateway", "text/html", String(repeating: "x", count: 2 << 20)),
        StubServer.Answer("502 Bad Gateway", "text/html", "half", count: 100),
    ])
    func `of a refusal whose words do not come, its status tells`(answer: StubServer.Answer)
        async throws
    {
        let server = try await StubServer { _, _ in answer }
        let error = try await clientError {
            let _: [String: String] = try await server.client().get("/")
        }
        #expect(error?.status == 502)
        #expect(error?.mayPass == true)
        #expect(error?.exitCode == 125)
        #expect(error?.description == "\(server.url) answered 502 Bad Gateway")
    }

    /// However long it took.
    @Test func `the time that a server may be away begins with its first failure`() async throws {
        let silence = Silence()
        let server = try await StubServer { number, _ in
            guard number == 0 else { return .init("200 OK", "application/json", #"{"a":"b"}"#) }
            silence.fall()
            return .silence
        }
        let client = server.client(silence.timing(.hasty))
        let reply: [String: String] = try await client.patiently(for: client.timing.absence) {
            try await client.get("/")
        }
        #expect(reply == ["a": "b"])
        #expect(server.requests.count == 2)
    }

    @Test func `an absence ends with what comes`() {
        var absence = Absence(limit: .zero)
        let first = [absence.goesOn(), absence.goesOn()]
        absence.end()
        let second = absence.goesOn()
        #expect(first == [true, false])
        #expect(second)
    }
}
