import ArgumentParser
import NIOCore
import NIOPosix
import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct AccountVerbTests {
    @Test func `offers are tried by as many as the server takes at once`() throws {
        let words = ["create", "instances"] + (1...130).map { "\($0)" } + ["-i", "x"]
        let verb = try #require(try Root.parseAsRoot(words) as? CreateInstancesVerb)
        #expect(verb.chunks().map(\.count) == [64, 64, 2])
        #expect(verb.chunks().joined().elementsEqual(1...130))
    }

    @Test(
        arguments: [
            (BulkCreateReply.Item(askID: 3, success: true, newContract: 7), nil),
            // Only made, as it was asked for: no failure.
            (BulkCreateReply.Item(askID: 3, success: false, newContract: 7), nil),
            (BulkCreateReply.Item(askID: 3, success: false, error: "no_such_ask"), 1),
            (BulkCreateReply.Item(askID: 3, success: false, error: "invalid_args"), 125),
        ] as [(BulkCreateReply.Item, Int32?)])
    func `each offer has a status of its own`(item: BulkCreateReply.Item, status: Int32?) {
        #expect(CreateInstancesVerb.exitCode(of: item) == status)
    }

    @Test func `what was done is told in one line`() {
        #expect(
            ShowAuditLogsVerb.text([
                "instance_id": .int(7), "command": .string("du -d1"), "detail": .null,
            ]) == "command=du -d1 detail=- instance_id=7")
    }

    @Test func `both spellings of a permission file`() throws {
        for (file, parameters) in [
            ("--permission_file", "--key_params"), ("--permission-file", "--key-params"),
        ] {
            let words = ["create", "api-key", "--name", "x", file, "/no/such", parameters, "{}"]
            let verb = try #require(try Root.parseAsRoot(words) as? CreateAPIKeyVerb)
            #expect(verb.parameters == "{}")
            #expect(throws: ClientError.self) { try verb.permissions() }
        }
    }

    @Test func `a server that is not reached is told in words`() {
        #expect(
            ConnectionFailure.words(for: IOError(errnoCode: 111, reason: "connection reset"))
                == "connection refused")
        #expect(
            ConnectionFailure.words(for: ChannelError.connectTimeout(.seconds(10)))
                == "it does not answer")
    }

    /// The real error, of a name with more than one address, as the network library makes it.
    @Test func `a name whose addresses refuse is told in words, too`() async throws {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.hours(1))
        let error = await #expect(throws: (any Error).self) {
            _ = try await bootstrap.connect(host: "localhost", port: 1).get()
        }
        #expect(ConnectionFailure.words(for: try #require(error)) == "connection refused")
    }
}
