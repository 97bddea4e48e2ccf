import Testing
import VastAPI

@testable import BoathookCLI

@Suite(.timeLimit(.minutes(3))) struct CommandFollowerTests {
    private struct Streams: CommandStreams {
        var written = ""
        var isClosed = false
        var onWrite: () -> Void = {}

        mutating func write(_ bytes: [UInt8], to stream: StandardStreams.Stream)
            throws(ClientError)
        {
            guard !isClosed else {
                throw ClientError("cannot write: Broken pipe", exitCode: 74)
            }
            onWrite()
            written += "\(stream): \(String(decoding: bytes, as: UTF8.self)) "
        }

        mutating func finish() throws(ClientError) {}
    }

    private static let beginning = """
        event: run
        id: 1.1/0
        data: {"run":"1.1"}

        event: stdout
        id: 1.1/2
        data: {"text":"ab"}


        """

    /// How following ends when it fails.
    private func failure(
        _ answer: StubServer.Answer, isGivenHere: Bool, isClosed: Bool = false,
        _ timing: ClientTiming = .patient
    ) async throws -> (ClientError?, requests: Int) {
        let server = try await StubServer { _, _ in answer }
        var streams = Streams(isClosed: isClosed)
        let error = try await clientError {
            _ = try await CommandFollower(
                client: server.client(timing), commandID: 7, isGivenHere: isGivenHere
            ).follow(&streams)
        }
        return (error, server.requests.count)
    }

    @Test func `a stream that breaks is gone on with behind its last event`() async throws {
        let end = try CommandRow.ended(stdout: 2, stderr: 2).event
        let server = try await StubServer { number, _ in
            switch number {
            case 0: .events(Self.beginning + "event: stdout\nid: 1.1/4\ndata: {\"te")
            case 1: .init("502 Bad Gateway", "text/html", "x")
            default:
                .events("event: stderr\nid: 1.1/4\ndata: {\"base64\":\"Y2Q=\"}\n\n" + end)
            }
        }
        var streams = Streams()
        let row = try await CommandFollower(
            client: server.client(.patient), commandID: 7, isGivenHere: false
        ).follow(&streams)
        #expect(row == .ended(stdout: 2, stderr: 2))
        #expect(streams.written == "output: ab error: cd ")
        let requests = server.requests
        #expect(requests.count == 3)
        #expect(!requests[0].contains("Last-Event-ID"))
        #expect(requests[2].contains("\r\nLast-Event-ID: 1.1/2\r\n"))
    }

    @Test func `one that was started anew is read from its beginning`() async throws {
        let end = try CommandRow.ended().event
        let server = try await StubServer { number, _ in
            number == 0
                ? .init(
                    "200 OK", "text/event-stream",
                    Self.beginning + "event: restarted\ndata: {}\n\n")
                : .events(Self.beginning + end)
        }
        var streams = Streams()
        _ = try await CommandFollower(
            client: server.client(.patient), commandID: 7, isGivenHere: true
        ).follow(&streams)
        #expect(streams.written == "output: ab output: ab ")
        #expect(!server.requests[1].contains("Last-Event-ID"))
    }

    /// However long it had been open.
    @Test func `a stream that falls silent is opened again`() async throws {
        let end = try CommandRow.ended().event
        let server = try await StubServer { number, _ in
            number == 0 ? .events(Self.beginning, stays: true) : .events(end)
        }
        let silence = Silence()
        var streams = Streams(onWrite: silence.fall)
        let row = try await CommandFollower(
            client: server.client(silence.timing(.hasty)), commandID: 7, isGivenHere: false
        ).follow(&streams)
        #expect(row.state == "exited")
        #expect(server.requests.count == 2)
    }

    @Test func `what cannot be written has a status of its own`() async throws {
        let (error, requests) = try await failure(
            .events(Self.beginning), isGivenHere: true, isClosed: true)
        #expect(error?.exitCode == 74)
        #expect(error?.description == "cannot write: Broken pipe")
        #expect(requests == 1)
    }

    @Test(arguments: [(false, 125), (true, 126)] as [(Bool, Int32)])
    func `a page is no stream of events`(isGivenHere: Bool, status: Int32) async throws {
        let (error, requests) = try await failure(
            .init("200 OK", "text/html", "<p>log in</p>"), isGivenHere: isGivenHere)
        #expect(error?.exitCode == status)
        #expect(error?.description.contains("its type is text/html") == true)
        #expect(requests == 1)
    }

    @Test(arguments: [
        "event: end\ndata: {}\n\n", "event: end\ndata: x\n\n", "event: stdout\ndata: x\n\n",
        "event: stdout\ndata: {}\n\n", "event: stdout\ndata: {\"base64\":\"?\"}\n\n",
    ])
    func `an event that is none of Boathook's ends it at once`(event: String) async throws {
        let (error, requests) = try await failure(.events(event), isGivenHere: false)
        #expect(error?.exitCode == 126)
        #expect(requests == 1)
    }

    @Test(arguments: ["", ": waiting\n\n"])
    func `streams without events are failures`(text: String) async throws {
        let (error, requests) = try await failure(
            .init("200 OK", "text/event-stream", text), isGivenHere: false, .hasty)
        #expect(error?.exitCode == 126)
        #expect(error?.description.hasPrefix("command 7 cannot be followed any more: ") == true)
        #expect(requests == 2)
    }

    @Test func `a command that nobody has heard of is not waited for`() async throws {
        let (error, requests) = try await failure(
            .init("502 Bad Gateway", "text/html", "x"), isGivenHere: false)
        #expect(error?.exitCode == 125)
        #expect(requests == 1)
    }
}
