import AgentLink
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// `PUT /api/v0/instances/update_template/{id}/` (contract 3.5): another specification, and what stays.
@Suite struct UpdateInstanceTests {
    static let creation = """
        {"image": "registry.example/app:1", "image_login": "-u me -p secret", "disk": 12, "onstart": "echo one", "label": "mine",
         "env": {"A": "1", "B": "2", "-p 8080:8080": "1", "-p 53:53/udp": "1", "-v data:/data": "1", "-h": "box"},
         "target_state": "stopped"}
        """

    /// One instance, which is not to run, and what its machine is told of it.
    actor Made {
        let server: TestServer
        let client: any TestClientProtocol
        let orders: LifecycleRouteTests.Orders
        let id: Int64
        let ownKey: String
        private var count = 0

        init(
            _ json: String, _ server: TestServer, _ client: any TestClientProtocol,
            _ orders: LifecycleRouteTests.Orders
        ) async throws {
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let made = try await client.send(
                .put, APIPath.ask(Int64(offer)), key: server.key, json: json)
            try #require(made.status == .ok, "\(made.text)")
            let reply = try made.decoded(CreateInstanceReply.self)
            (id, ownKey) = (reply.newContract, reply.instanceKey)
            (self.server, self.client, self.orders) = (server, client, orders)
        }

        /// What its machine was told next.
        func order() async throws -> InstanceOrder {
            guard case .wantInstance(let order) = await orders.order(count) else {
                throw NoOrder()
            }
            count += 1
            return order
        }

        struct NoOrder: Error {}

        func send(_ json: String, key: String? = nil) async throws -> TestResponse {
            try await client.send(
                .put, APIPath.update(instance: id), key: key ?? server.key, json: json)
        }

        /// What the machine is told after an update that has to be taken.
        func updated(_ json: String) async throws -> ContainerSpecification {
            let reply = try await send(json)
            try #require(reply.status == .ok, "\(json): \(reply.text)")
            return try #require(try await order().specification)
        }

        func row() async throws -> InstanceRow {
            let shown = try await client.send(.get, APIPath.instance(id), key: server.key)
            return try #require(try shown.decoded(InstanceReply.self).instances)
        }
    }

    static func withInstance(
        _ json: String = creation,
        _ body:
            @escaping @Sendable (TestServer, any TestClientProtocol, Made) async throws -> Void
    ) async throws {
        try await LifecycleRouteTests.withMachine(diskFreeGB: 900) { server, client, orders in
            let set = try await client.send(
                .post, APIPath.secrets, key: server.key,
                json: #"{"key": "TOKEN", "value": "hush"}"#)
            try #require(set.status == .ok)
            try await body(server, client, try await Made(json, server, client, orders))
        }
    }

    @Test func `another image is all that changes, and it is a new container`() async throws {
        try await Self.withInstance { server, _, made in
            let first = try await made.order()
            let before = try #require(first.specification)
            let reply = try await made.send(
                #"{"id": \#(made.id), "image": "registry.example/app:2"}"#)
            #expect(reply.status == .ok && reply.headers[.contentType] == "application/json")
            let told = try reply.decoded(UpdateInstanceReply.self)
            #expect(told.success)
            #expect(told.updatedInstance?["id"] == .int(made.id))
            #expect(told.updatedInstance?["image_uuid"] == .string("registry.example/app:2"))
            let second = try await made.order()
            #expect(second.instanceID == first.instanceID)
            #expect(second.generation == first.generation + 1)
            #expect(second.number == first.number + 1 && !second.isSettled)
            #expect(second.state == .stopped, "it is as it was wished before")
            var expected = before
            expected.image = "registry.example/app:2"
            #expect(second.specification == expected)
            #expect(expected.login?.password == "secret", "the same repository")
            let row = try await made.row()
            #expect(row["image_uuid"] == .string("registry.example/app:2"))
            #expect(row["label"] == .string("mine") && row["disk_space"]?.number == 12)
            #expect(row["template_id"] == .null)

            // What it is made from now is what it is made from anew.
            let recycled = try await made.client.send(
                .put, APIPath.recycle(instance: made.id), key: server.key, json: "{}")
            #expect(recycled.status == .ok)
            #expect(try await made.order().specification == expected)
        }
    }

    @Test(arguments: [
        ("registry.example/app@sha256:" + String(repeating: "a", count: 64), true),
        ("registry.example/app", true), ("registry.example/other:1", false),
        ("evil.example/app:1", false), ("app:1", false), ("registry.example:1/app", false),
    ])
    func `a login goes to no other repository`(image: String, isKept: Bool) async throws {
        try await Self.withInstance { _, _, made in
            _ = try await made.order()
            let next = try await made.updated(#"{"image": "\#(image)"}"#)
            #expect(next.image == image && (next.login?.password == "secret") == isKept)
            let named = try await made.updated(
                #"{"image": "x:1", "image_login": "-u you -p other registry.example"}"#)
            #expect(named.login?.password == "other")
        }
    }

    @Test(arguments: [
        #"{"A": "3", "C": "4", "-p 9000:9000": "1", "-p 8080:8080": "1", "-v new:/data": "1", "-v more:/more": "1"}"#,
        #""-e A=3 -e C=4 -p 9000:9000 -p 8080:8080 -v new:/data -v more:/more""#,
    ])
    func `variables are those of the call, and ports and volumes stay`(env: String) async throws {
        try await Self.withInstance { _, _, made in
            let before = try #require(try await made.order().specification)
            #expect(
                before.environment.map { $0[0] } == ["TOKEN", "A", "B", "CONTAINER_API_KEY"])
            let ownKey = made.ownKey
            let next = try await made.updated(#"{"env": \#(env)}"#)
            #expect(
                next.environment == [
                    ["TOKEN", "hush"], ["A", "3"], ["C", "4"],
                    ["CONTAINER_API_KEY", ownKey],
                ])
            // In front, so that they keep the machine's ports that they have.
            #expect(Array(next.ports.prefix(2)) == before.ports)
            #expect(next.ports.map(\.number).suffix(1) == [9000] && next.ports.count == 3)
            #expect(
                next.volumes.sorted { $0.path < $1.path } == [
                    .init(name: "new", path: "/data"), .init(name: "more", path: "/more"),
                ])
            #expect(next.hostname == "box")
            #expect((next.image, next.program) == (before.image, before.program))

            // Nobody takes an instance's own key, or its account's variables, from it.
            let none = try await made.updated(
                #"{"env": {"CONTAINER_API_KEY": "mine", "-h": "other"}}"#)
            #expect(
                none.environment == [
                    ["TOKEN", "hush"], ["CONTAINER_API_KEY", ownKey],
                ])
            #expect(none.hostname == "other" && none.ports == next.ports)
            let empty = try await made.updated(#"{"env": {}}"#)
            #expect(empty.environment == none.environment)
            // What clients send for what was not asked for says nothing.
            let same = try await made.updated(
                #"{"env": null, "onstart": "", "args": null, "image": "x", "disk": 12, "recycle": true}"#
            )
            #expect((same.environment, same.program) == (empty.environment, empty.program))
        }
    }

    @Test func `a script is for a shell, and arguments are for a program`() async throws {
        try await Self.withInstance { _, _, made in
            _ = try await made.order()
            let shell = try await made.updated(#"{"onstart": "echo two"}"#)
            #expect(shell.program == .shell(script: "echo two"))
            let refused = try await made.send(#"{"args": "sleep 5"}"#)
            #expect(refused.status == .badRequest)
            #expect(try refused.decoded(ErrorReply.self).msg.contains("runtype args"))
        }
        let program = """
            {"image": "a", "runtype": "args", "onstart": "sleep", "args": ["1"], "user": "1000", "target_state": "stopped"}
            """
        try await Self.withInstance(program) { _, _, made in
            _ = try await made.order()
            // The official command line sends one text.
            let text = try await made.updated(#"{"args": "-c 'two words'"}"#)
            #expect(
                text.program == .image(entrypoint: ["sleep"], arguments: ["-c", "two words"]))
            #expect(text.user == "1000")
            let words = try await made.updated(#"{"args": ["7"], "onstart": "/bin/echo -n"}"#)
            #expect(words.program == .image(entrypoint: ["/bin/echo", "-n"], arguments: ["7"]))
            #expect(try await made.updated(#"{"image": "b"}"#).program == words.program)
        }
    }

    @Test func `from a template, as if it were made from that`() async throws {
        try await Self.withInstance { server, client, made in
            let before = try #require(try await made.order().specification)
            func kept(_ method: HTTPRequest.Method, _ json: String) async throws
                -> TemplateReply.Kept
            {
                let reply = try await client.send(
                    method, APIPath.templates, key: server.key, json: json)
                try #require(reply.status == .ok, "\(reply.text)")
                return try reply.decoded(TemplateReply.self).template
            }
            let template = try await kept(
                .post,
                """
                {"name": "trainer", "image": "debian", "tag": "12", "runtype": "args", "onstart": "sleep", "recommended_disk_space": 99,
                 "env": "-e MODE=fast -e B=9 -p 7000:7000", "image_login": "-u t -p templates registry.example"}
                """)
            for json in [
                #"{"template_hash_id": "\#(template.hashID)", "env": {"B": "3"}, "args": "5"}"#,
                #"{"template_id": \#(template.id), "env": "-e B=3", "args": ["5"]}"#,
            ] {
                let next = try await made.updated(json)
                #expect(next.image == "debian:12" && next.login?.password == "templates")
                #expect(next.program == .image(entrypoint: ["sleep"], arguments: ["5"]))
                #expect(
                    next.environment.map { $0[0] } == ["TOKEN", "MODE", "B", "CONTAINER_API_KEY"])
                #expect(next.environment.contains(["B", "3"]), "what the call says wins")
                #expect(next.ports.map(\.number).last == 7000 && !next.hasSSH)
                #expect(Array(next.ports.dropLast()) == before.ports)
                #expect(next.volumes == before.volumes)
                #expect((next.diskGB, next.gpuCount) == (before.diskGB, before.gpuCount))
                #expect((next.owner, next.label) == (before.owner, before.label))
                let row = try await made.row()
                #expect(row["template_id"] == .int(template.id))
                #expect(row["template_hash_id"] == .string(template.hashID))
                #expect(row["template_name"] == .string("trainer"))
                #expect(row["image_runtype"] == .string("args"))
            }

            // A call that says nothing: the newest version of its own (vastai 1.9.1's own words for the verb).
            let changed = try await kept(
                .put, #"{"hash_id": "\#(template.hashID)", "name": "other", "image": "alpine"}"#)
            let newest = try await made.updated(#"{"id": \#(made.id)}"#)
            #expect(newest.image == "alpine" && newest.login == nil && newest.hasSSH)
            #expect(try await made.row()["template_hash_id"] == .string(changed.hashID))
            let image = try await made.updated(#"{"image": "busybox"}"#)
            #expect(image.image == "busybox")
            #expect(try await made.row()["template_name"] == .string("other"), "it stays")

            _ = try await client.send(
                .delete, APIPath.templates, key: server.key,
                json: #"{"template_id": \#(template.id)}"#)
            for json in ["{}", #"{"template_hash_id": "\#(template.hashID)"}"#] {
                let gone = try await made.send(json)
                #expect(gone.status == .badRequest, "\(gone.text)")
                #expect(try gone.decoded(ErrorReply.self).error == "invalid_args")
            }
        }
    }
}
