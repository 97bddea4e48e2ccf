import ControlPlane
import HTTPTypes
import HummingbirdTesting
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTPTypesHTTP1
import Testing
import VastAPI

@testable import APIServer

/// Requests that come slowly, on a channel whose clock the test moves.
@Suite struct RequestDeadlineTests {
    private func channel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: false)
        try channel.pipeline.syncOperations.addHandlers([
            HTTP1ToHTTPServerCodec(secure: false), RequestDeadlines(),
        ])
        try channel.connect(to: .init(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func write(_ text: String, to channel: EmbeddedChannel) throws {
        try channel.writeInbound(ByteBuffer(string: text))
    }

    @Test func `a head that trickles is cut ten seconds after its first byte`() throws {
        let channel = try channel()
        channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(channel.isActive, "a connection may be idle")
        for byte in "GET / HTT" {
            try write(String(byte), to: channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(channel.isActive)
        try write("P", to: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func `a body that trickles is cut thirty seconds after its head`() throws {
        let channel = try channel()
        try write("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", to: channel)
        for _ in 0..<29 {
            try write("x", to: channel)
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func `quick requests are nobody's business, one after the other`() throws {
        let channel = try channel()
        for _ in 0..<20 {
            try write("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", to: channel)
            // The answer may take as long as it takes.
            channel.embeddedEventLoop.advanceTime(by: .seconds(70))
            #expect(channel.isActive)
        }
        _ = try? channel.finish()
    }

    @Test(arguments: ["/agent/v1/results", "/agent/v1/output/r1"])
    func `an agent's output may take its time`(path: String) throws {
        let channel = try channel()
        try write("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", to: channel)
        channel.embeddedEventLoop.advanceTime(by: .seconds(3600))
        #expect(channel.isActive)
        _ = try? channel.finish()
    }
}

@Suite struct HygieneTests {
    @Test func `no head means two things`() async throws {
        try await TestServer.with { server, client in
            var headers: HTTPFields = [:]
            headers.append(HTTPField(name: .authorization, value: "Bearer \(server.key)"))
            let once = try await client.send(.get, APIPath.instances, headers: headers)
            #expect(once.status == .ok)
            headers.append(HTTPField(name: .authorization, value: "Bearer \(server.otherKey)"))
            let twice = try await client.send(.get, APIPath.instances, headers: headers)
            #expect(twice.status == .badRequest)
            let host = try #require(HTTPField.Name("Host"))
            let hosts = try await client.send(
                .get, APIPath.instances, key: server.key, headers: [host: "elsewhere"])
            #expect(hosts.status == .badRequest)
        }
    }

    @Test func `every answer tells browsers that it is no page`() async throws {
        try await TestServer.with { server, client in
            for path in ["/healthz", "/openapi.yaml", APIPath.instances, "/nothing/here"] {
                let answer = try await client.send(.get, path, key: server.key)
                #expect(answer.headers[.xContentTypeOptions] == "nosniff", "\(path)")
                #expect(
                    answer.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
                #expect(answer.headers[.cacheControl] != nil)
            }
        }
    }

    @Test func `wrong keys are bounded by address, and right ones pass`() async throws {
        #expect(FailedLogins.defaultRate == CallRate(burst: 60, perSecond: 1))
        // None comes back while we ask, however slow the machine is.
        let rate = CallRate(burst: FailedLogins.defaultRate.burst, perSecond: 1 / 86_400)
        try await TestServer.with(failedLoginRate: rate) { server, client in
            var statuses: [Int] = []
            for _ in 0..<61 {
                let answer = try await client.send(.get, APIPath.instances, key: "wrong")
                statuses.append(answer.status.code)
            }
            #expect(statuses.dropLast().allSatisfy { $0 == 401 })
            #expect(statuses.last == 429)
            let right = try await client.send(.get, APIPath.instances, key: server.key)
            #expect(right.status == .ok)
        }
    }
}
