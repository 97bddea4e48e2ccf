import AgentLink
import AgentSimulator
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import StoreConformance
import Testing
import VastAPI

/// `vastai copy`, as the official clients ask for it (contract 9).
@Suite struct CopyRouteTests {
    private static let paths = ["/api/v0/commands/copy_direct/", "/api/v0/commands/rsync/"]

    private static func body(from source: String, to destination: String) -> String {
        """
        {"client_id": "me", "src_id": \(source), "dst_id": \(destination), "src_path": "/from",
         "dst_path": "/to"}
        """
    }

    /// A server with an instance of maria's that was made with this runtype.
    private static func withInstance(
        _ runtype: String = "ssh_direc ssh_proxy", status: String? = "running",
        address: String = "192.0.2.1",
        _ body: @escaping @Sendable (TestServer, any TestClientProtocol, Int64) async throws -> Void
    ) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            var machine = MachineReport.sample(slots: 8, diskFreeGB: 200)
            machine.publicAddress = address
            try await server.agent.tell(.machine(machine))
            let offers = try await LifecycleRouteTests.offers(client)
            let offer = Int(try #require(offers.first?["id"]?.number))
            let id = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.key,
                json: #"{"image": "debian:12", "runtype": "\#(runtype)"}"#
            ).decoded(CreateInstanceReply.self).newContract
            if let status {
                var report = InstanceReport.sample("made", owner: "maria", status: status)
                report.instanceID = id
                report.generation = 1
                report.ports = [
                    PortMapping(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_003)
                ]
                try await server.agent.tell(
                    .instanceChanged(report),
                    .instanceProgress(.init(instanceID: id, number: 1, phase: .done, message: "")))
            }
            try await body(server, client, id)
        }
    }

    @Test func `a client learns where the instance's SSH is, by every spelling, both ways`()
        async throws
    {
        try await Self.withInstance { server, client, id in
            let before = try await server.store.auditHead()?.sequence ?? 0
            var calls = 0
            for path in Self.paths {
                for place in [#""\#(id)""#, #""C.\#(id)""#, "\(id)"] {
                    for local in [#""local""#, "null"] {
                        let up = try await client.send(
                            .put, path, key: server.key, json: Self.body(from: local, to: place))
                        #expect(up.status == .ok && up.headers[.contentType] == "application/json")
                        let upload = try up.decoded(CopyReply.self)
                        #expect(upload.success && !upload.msg.isEmpty)
                        #expect(upload.destinationAddress == "192.0.2.1")
                        #expect(upload.destinationPort == 40_003 && upload.sourcePort == nil)
                        let down = try await client.send(
                            .put, path, key: server.key, json: Self.body(from: place, to: local))
                        let download = try down.decoded(CopyReply.self)
                        #expect(download.success && download.sourceAddress == "192.0.2.1")
                        #expect(download.sourcePort == 40_003 && download.destinationPort == nil)
                        calls += 2
                    }
                }
            }
            let entries = try await server.store.auditEntries(after: before, limit: 100)
                .compactMap(\.entry)
            #expect(entries.count == calls)
            #expect(entries.allSatisfy { $0.event == .apiCalled && $0.instanceID == id })
            #expect(
                Set(entries.compactMap(\.route)) == [
                    "PUT /api/v0/commands/copy_direct", "PUT /api/v0/commands/rsync",
                ])
            #expect(
                Set(entries.map(\.arguments)) == [
                    ["direction": "upload", "path": "/to"],
                    ["direction": "download", "path": "/from"],
                ])
        }
    }

    @Test func `an address with colons is in brackets, as rsync takes it`() async throws {
        try await Self.withInstance(address: "2001:db8::1") { server, client, id in
            let reply = try await client.send(
                .put, Self.paths[0], key: server.key, json: Self.body(from: "null", to: "\(id)"))
            #expect(try reply.decoded(CopyReply.self).destinationAddress == "[2001:db8::1]")
        }
    }

    @Test(arguments: [
        ("exited", "ssh", "invalid_container", "is not running, and files are copied by its SSH"),
        (nil, "ssh", "invalid_container", "does not run yet"),
        ("running", "args", "invalid_args", "was made without SSH"),
        ("exited", "args", "invalid_args", "was made without SSH"),
    ])
    func `what the instance lacks is said`(
        status: String?, runtype: String, error: String, hint: String
    ) async throws {
        try await Self.withInstance(runtype, status: status) { server, client, id in
            for path in Self.paths {
                let reply = try await client.send(
                    .put, path, key: server.key, json: Self.body(from: "null", to: "\(id)"))
                #expect(reply.status == .badRequest)
                let said = try reply.decoded(ErrorReply.self)
                #expect(said.error == error && said.msg.contains(hint), "\(said.msg)")
            }
        }
    }

    @Test(arguments: [
        (#""local""#, #""local""#, 400, "One side of a copy is an instance"),
        ("null", "null", 400, "One side of a copy is an instance"),
        (#""1""#, #""C.2""#, 501, "it has no copies between instances"),
        (#""s3.101""#, #""1""#, 501, "cloud storage or volumes"),
        (#""1""#, #""drive""#, 501, "cloud storage or volumes"),
        (#""local""#, #""V.7""#, 501, "cloud storage or volumes"),
        (#""01""#, "null", 400, "src_id is an instance's id"),
        ("null", #""C.x""#, 400, "dst_id is an instance's id"),
        ("null", #""""#, 400, "dst_id is an instance's id"),
        ("null", "-1", 400, "dst_id is an instance's id"),
        ("null", "true", 400, "dst_id is an instance's id"),
        ("null", "[1]", 400, "dst_id is an instance's id"),
    ])
    func `other sides are refused in words`(
        source: String, destination: String, status: Int, hint: String
    ) async throws {
        try await TestServer.with { server, client in
            for path in Self.paths {
                let reply = try await client.send(
                    .put, path, key: server.key, json: Self.body(from: source, to: destination))
                #expect(reply.status.code == status)
                let said = try reply.decoded(ErrorReply.self)
                #expect(said.error == (status == 501 ? "not_implemented" : "invalid_args"))
                #expect(said.msg.contains(hint), "\(said.msg)")
            }
        }
    }

    @Test func `paths are text, and bounded`() async throws {
        try await Self.withInstance { server, client, id in
            let long = String(repeating: "é", count: 2049)
            for path in ["5", "[]", #""\#(long)""#] {
                for name in ["src_path", "dst_path"] {
                    let reply = try await client.send(
                        .put, Self.paths[0], key: server.key,
                        json: #"{"dst_id": \#(id), "\#(name)": \#(path)}"#)
                    #expect(reply.status == .badRequest)
                    #expect(
                        try reply.decoded(ErrorReply.self).msg
                            == "\(name) is a path of at most 4096 bytes.")
                }
            }
            let none = try await client.send(
                .put, Self.paths[0], key: server.key, json: #"{"dst_id": \#(id)}"#)
            #expect(none.status == .ok)
        }
    }

    @Test func `an instance of somebody else is none, and none is adopted with SSH`() async throws {
        try await TestServer.with { server, client in
            for id in [server.otherInstance, 987_654_321] {
                for (source, destination) in [("null", "\(id)"), ("\(id)", "null")] {
                    let reply = try await client.send(
                        .put, Self.paths[0], key: server.key,
                        json: Self.body(from: source, to: destination))
                    #expect(reply.status == .notFound)
                    #expect(
                        try reply.decoded(ErrorReply.self)
                            == ErrorReply(error: "not_found", msg: "Instance not found."))
                }
            }
            let adopted = try await client.send(
                .put, Self.paths[0], key: server.key,
                json: Self.body(from: "null", to: "\(server.instance)"))
            #expect(adopted.status == .badRequest)
        }
    }

    /// Whoever copies is past every policy, path and budget, as one who logs in.
    @Test func `a bound key copies nothing, and one that is for others finds none`() async throws {
        try await Self.withInstance { server, client, id in
            let elsewhere = KeyPermissions([
                .instanceWrite: .routes([
                    "api.copy.start": IDConstraint(),
                    "api.instance.execute": IDConstraint([.gte: .id(id + 1)]),
                ])
            ])
            for (scope, status) in [
                (KeyScope(writes: false), 403), (KeyScope(commands: ["vast"]), 403),
                (KeyScope(paths: ["/workspace"]), 403),
                (KeyScope(deletionBudget: DeletionBudget(entries: 5)), 403),
                (KeyScope(permissions: KeyPermissions(.instanceRead)), 403),
                (KeyScope(permissions: elsewhere), 404),
                (KeyScope(permissions: KeyPermissions(.instanceWrite)), 200),
            ] {
                let key = try await server.newKey(scope)
                let reply = try await client.send(
                    .put, Self.paths[0], key: key, json: Self.body(from: "\(id)", to: "null"))
                #expect(reply.status.code == status, "\(scope)")
                if status == 403 {
                    #expect(try reply.decoded(ErrorReply.self).error == "not_authorized")
                }
            }
        }
    }

    @Test func `there is nothing to cancel, and it is said`() async throws {
        try await TestServer.with { server, client in
            let id = server.instance
            for path in Self.paths {
                for place in [#""\#(id)""#, "\(id)", #""C.\#(id)""#, #""\#(id):/workspace/""#] {
                    let reply = try await client.send(
                        .delete, path, key: server.key,
                        json: #"{"client_id": "me", "dst_id": \#(place)}"#)
                    #expect(reply.status == .ok)
                    let said = try reply.decoded(CopyReply.self)
                    #expect(!said.success && said.msg.hasPrefix("Nothing to cancel: "))
                }
                for (place, status) in [
                    ("\(server.otherInstance)", 404), ("987654321", 404), ("null", 400),
                    (#""local""#, 400), (#""s3.1""#, 400), ("0", 400),
                ] {
                    let reply = try await client.send(
                        .delete, path, key: server.key, json: #"{"dst_id": \#(place)}"#)
                    #expect(reply.status.code == status, "\(place)")
                }
            }
        }
    }
}
