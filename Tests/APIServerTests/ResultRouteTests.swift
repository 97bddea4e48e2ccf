import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Synchronization
import Testing
import VastAPI

@Suite struct ResultRouteTests {
    @Test
    func `the URL needs no key and gives the exact bytes with what clients need to read them`()
        async throws
    {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await Self.execute(server, client)
                let response = try await client.send(.get, path)
                #expect(response.status == .ok)
                #expect(response.text == "héllo ✓\noops\n")
                #expect(response.headers[.contentType] == "text/plain; charset=utf-8")
                #expect(response.headers[.contentLength] == "16")
                #expect(response.headers[.init("Boathook-State")!] == "exited")
                #expect(response.headers[.init("Boathook-Exit-Code")!] == "0")
                let tag = try #require(response.headers[.eTag])
                let unchanged = try await client.send(.get, path, headers: [.ifNoneMatch: tag])
                #expect(unchanged.status == .notModified)
            }
        }
    }

    @Test(
        arguments: [
            ("bytes=0-1", 206, "h\u{c3}", "bytes 0-1/16"),
            ("bytes=11-", 206, "oops\n", "bytes 11-15/16"),
            ("bytes=-5", 206, "oops\n", "bytes 11-15/16"),
            ("bytes=11-99", 206, "oops\n", "bytes 11-15/16"),
            ("bytes=16-", 416, "", "bytes */16"), ("bytes=-0", 416, "", "bytes */16"),
            ("bytes=5-2", 200, nil, nil), ("lines=1-2", 200, nil, nil),
            ("bytes=0-1,3-4", 200, nil, nil),
        ] as [(String, Int, String?, String?)])
    func `one range is served`(range: String, status: Int, text: String?, contentRange: String?)
        async throws
    {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await Self.execute(server, client)
                let response = try await client.send(.get, path, headers: [.range: range])
                #expect(response.status.code == status)
                #expect(response.headers[.contentRange] == contentRange)
                if status == 206, range != "bytes=0-1" { #expect(response.text == text) }
                if range == "bytes=0-1" { #expect(response.body.readableBytes == 2) }
                let other = try await client.send(
                    .get, path, headers: [.range: range, .ifRange: "\"other\""])
                #expect(other.status == .ok, "a range of another version is not served")
            }
        }
    }

    @Test func `HEAD has the head of the whole, and nothing behind it`() async throws {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await Self.execute(server, client)
                let whole = try await client.send(.get, path)
                let ranges: [HTTPFields] = [
                    [:], [.range: "bytes=0-1"], [.range: "bytes=99-"],
                    [.range: "bytes=0-1", .ifRange: whole.headers[.eTag] ?? ""],
                ]
                for headers in ranges {
                    // RFC 9110, section 14.2: a server ignores Range with a method that has none.
                    let head = try await client.send(.head, path, headers: headers)
                    #expect(head.status == .ok)
                    #expect(head.headers == whole.headers)
                    #expect(head.body.readableBytes == 0)
                }
                let missing = try await client.send(.head, "/results/1")
                #expect(missing.status == .notFound && missing.body.readableBytes == 0)
                #expect(missing.headers[.contentLength] != "0")
            }
        }
    }

    @Test func `a result that is unknown, or whose secret is wrong, is 404 at once and alike`()
        async throws
    {
        try await TestServer.with { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await Self.execute(server, client)
                _ = try await client.send(.get, path)
                var answers: Set<String> = []
                for wrong in [
                    path + "x", String(path.dropLast()), "/results/999-\(Secret().text)",
                    "/results/1", "/results/x-y",
                ] {
                    let response = try await client.send(.get, wrong)
                    #expect(response.status == .notFound)
                    answers.insert(response.text)
                }
                #expect(answers.count == 1)
            }
        }
    }

    @Test func `a request that waits is released by the end, and by nothing before it`()
        async throws
    {
        try await TestServer.with { server, client in
            try await server.withOpenCommand(client) { order, path in
                async let waiting = client.send(.get, path)
                try await server.agent.deliver(try #require(await TestServer.succeed(order)))
                #expect(try await waiting.status == .ok)
            }
        }
    }

    @Test func `an expired URL is as one that never was, and its bytes go`() async throws {
        let now = Mutex(1000.0)
        let time = WallTime { now.withLock { $0 } }
        try await TestServer.with(time: time) { server, client in
            try await server.withAgent(answer: TestServer.succeed) {
                let path = try await Self.execute(server, client)
                #expect(try await client.send(.get, path).status == .ok)
                now.withLock { $0 += 86_401 }
                #expect(try await client.send(.get, path).status == .notFound)
                try await server.housekeeping.collect()
                now.withLock { $0 -= 86_401 }
                #expect(try await client.send(.get, path).status == .notFound)
            }
        }
    }

    @Test func `bytes that are not those reported are not taken`() async throws {
        try await TestServer.with { server, client in
            let outcome = Mutex<Bool?>(nil)
            try await server.withOpenCommand(client) { order, _ in
                var answer = try #require(await TestServer.succeed(order))
                answer.frames[0].bytes[0] ^= 1
                do {
                    try await server.agent.deliver(answer)
                    outcome.withLock { $0 = true }
                } catch let error as ControlPlaneError {
                    outcome.withLock { $0 = error.code == .agentRefused ? false : nil }
                }
                #expect(outcome.withLock { $0 } == false)
                let row = try await client.send(
                    .get, APIPath.command(order.commandID), key: server.key)
                #expect(try row.decoded(CommandRow.self).final == false)
            }
        }
    }

    /// Path of the result URL of a fresh `ls`.
    static func execute(_ server: TestServer, _ client: any TestClientProtocol) async throws
        -> String
    {
        let response = try await client.send(
            .put, APIPath.execute(instance: server.instance), key: server.key,
            json: #"{"command":"ls"}"#)
        let url = try response.decoded(ExecuteReply.self).resultURL
        return String(url.dropFirst("https://boathook.example".count))
    }
}
