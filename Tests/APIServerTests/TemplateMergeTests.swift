import APIServer
import AgentLink
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing
import VastAPI

/// What an instance gets of a template, and what of its order (contract 4, "Template merge").
@Suite struct TemplateMergeTests {
    private static let template = """
        {"name": "trainer", "image": "debian", "tag": "12", "onstart": "echo hello", "runtype": "ssh_direct",
         "env": "-e MODE=fast -e 'BOTH=one two' -p 8080:8080 -p 9000:9000/udp -v data:/data -h box",
         "image_login": "-u me -p secret registry.example", "recommended_disk_space": 20,
         "extra_filters": {"num_gpus": {"gte": "2"}, "disk_space": {"gte": 100000}}}
        """

    /// A machine, a template of the first account, and what an order of a create becomes.
    private static func withTemplate(
        _ template: String = template,
        _ body:
            @escaping @Sendable (TestServer, any TestClientProtocol, TemplateReply.Kept, Maker)
            async throws -> Void
    ) async throws {
        try await LifecycleRouteTests.withMachine(diskFreeGB: 900) { server, client, orders in
            let kept = try await client.send(
                .post, APIPath.templates, key: server.key, json: template)
            try #require(kept.status == .ok, "\(kept.text)")
            let reply = try kept.decoded(TemplateReply.self).template
            let offer = Int(
                try #require(try await LifecycleRouteTests.offers(client).first?["id"]?.number))
            try await body(
                server, client, reply,
                Maker(server: server, client: client, orders: orders, offer: offer))
        }
    }

    private actor Maker {
        let server: TestServer
        let client: any TestClientProtocol
        let orders: LifecycleRouteTests.Orders
        let offer: Int
        private var count = 0

        init(
            server: TestServer, client: any TestClientProtocol,
            orders: LifecycleRouteTests.Orders, offer: Int
        ) {
            self.server = server
            self.client = client
            self.orders = orders
            self.offer = offer
        }

        /// What the machine is told to make, and the instance's row; it is not to run, so its GPUs stay free.
        func made(
            _ json: String, path: String? = nil, method: HTTPRequest.Method = .put
        ) async throws -> (ContainerSpecification, [String: JSONValue]) {
            let reply = try await client.send(
                method, path ?? "/api/v0/asks/\(offer)/", key: server.key,
                json: json.dropLast() + #", "target_state": "stopped"}"#)
            try #require(reply.status == .ok, "\(reply.text)")
            guard case .wantInstance(let order) = await orders.order(count) else {
                throw NoOrder()
            }
            count += 1
            let shown = try await client.send(
                .get, APIPath.instance(order.instanceID), key: server.key)
            return (
                try #require(order.specification),
                try #require(try shown.decoded(InstanceReply.self).instances)
            )
        }

        struct NoOrder: Error {}
    }

    @Test func `an order that says nothing gets all of the template, by its hash or id`()
        async throws
    {
        try await Self.withTemplate { _, _, template, maker in
            // As the command line sends what was not asked for.
            let nulls = """
                "client_id": "me", "image": null, "env": {}, "price": null, "disk": null, "label": null, "onstart": null,
                "image_login": null, "use_jupyter_lab": false, "force": false, "cancel_unavail": false, "user": null
                """
            for json in [
                #"{"template_hash_id": "\#(template.hashID)", \#(nulls)}"#,
                #"{"template_id": \#(template.id)}"#,
                #"{"template_id": "\#(template.id)", "template_hash_id": "\#(template.hashID)"}"#,
            ] {
                let (made, row) = try await maker.made(json)
                #expect(made.image == "debian:12" && made.diskGB == 20 && made.hasSSH)
                #expect(made.program == .shell(script: "echo hello"))
                #expect(
                    made.environment.prefix(2) == [["MODE", "fast"], ["BOTH", "one two"]])
                #expect(made.ports.map(\.number) == [8080, 9000] && made.hostname == "box")
                #expect(made.volumes == [.init(name: "data", path: "/data")])
                #expect(made.login?.password == "secret")
                #expect(row["template_id"] == .int(template.id))
                #expect(row["template_hash_id"] == .string(template.hashID))
                #expect(row["template_name"] == .string("trainer"))
                #expect(row["image_runtype"] == .string("ssh_direct"))
                #expect(row["image_uuid"] == .string("debian:12"))
            }
            let (plain, row) = try await maker.made(#"{"image": "debian"}"#)
            #expect(plain.diskGB == 8 && row["template_id"] == .null)
            #expect(row["template_name"] == .null && row["template_hash_id"] == .null)
        }
    }

    @Test func `what an order says wins, and env is merged by its names`() async throws {
        try await Self.withTemplate { _, _, template, maker in
            for env in [
                #"{"MODE": "slow", "MORE": "x", "-p 8080:8080": "1", "-p 7000:7000": "1", "-v other:/data": "1", "-h": "mine"}"#,
                #""-e MODE=slow -e MORE=x -p 8080:8080 -p 7000:7000 -v other:/data -h mine""#,
            ] {
                let (made, row) = try await maker.made(
                    """
                    {"template_hash_id": "\(template.hashID)", "image": "alpine", "disk": 10, "onstart": "sleep", "runtype": "args",
                     "env": \(env)}
                    """)
                #expect(made.image == "alpine" && made.diskGB == 10 && !made.hasSSH)
                #expect(made.program == .image(entrypoint: ["sleep"], arguments: nil))
                #expect(
                    Set(made.environment.dropLast())
                        == [["BOTH", "one two"], ["MODE", "slow"], ["MORE", "x"]])
                #expect(
                    Set(made.ports.map { "\($0.number)/\($0.transport)" })
                        == ["8080/tcp", "7000/tcp", "9000/udp"])
                #expect(made.ports.count == 3 && made.hostname == "mine")
                #expect(made.volumes == [.init(name: "other", path: "/data")])
                #expect(made.login == nil, "no registry but the template's gets its password")
                #expect(row["template_id"] == .int(template.id))
            }
        }
    }

    @Test(arguments: [
        (#""use_ssh": true, "ssh_direct": true"#, "ssh_direc ssh_proxy"),
        (#""use_ssh": true"#, "ssh_proxy"),
        (#""jup_direct": true"#, "jupyter_direc ssh_direc ssh_proxy"),
        (#""use_jupyter_lab": true"#, "jupyter_proxy ssh_proxy"), (#""desc": "x""#, "ssh"),
        (#""runtype": "args", "use_ssh": true"#, "args"),
    ])
    func `without a runtype, the template's other words say what it is to be`(
        fields: String, runtype: String
    ) async throws {
        try await Self.withTemplate(#"{"image": "debian:12", \#(fields)}"#) {
            _, _, template, maker in
            let (made, row) = try await maker.made(
                #"{"template_hash_id": "\#(template.hashID)"}"#)
            #expect(row["image_runtype"] == .string(runtype))
            #expect(made.image == "debian:12" && made.hasSSH == (runtype != "args"))
        }
    }

    @Test func `many at once, and a launch, which looks for what the template wants`() async throws
    {
        try await Self.withTemplate { server, client, template, maker in
            let (bulk, _) = try await maker.made(
                #"{"template_id": \#(template.id), "ids": [\#(maker.offer)]}"#,
                path: "/api/v0/asks/bulk/", method: .post)
            #expect(bulk.image == "debian:12")
            // No offer has so much disk; the order's own word on that column wins, the other one stays.
            let hash = template.hashID
            for json in [
                #"{"template_hash_id": "\#(hash)"}"#, #"{"template_hash_id": "\#(hash)", "q": {}}"#,
                #"{"template_hash_id": "\#(hash)", "q": {"num_gpus": {"eq": 1}}}"#,
            ] {
                let none = try await client.send(
                    .put, APIPath.launch, key: server.key, json: json)
                #expect(none.text.contains("offer_not_found"), "\(none.text)")
            }
            let (launched, row) = try await maker.made(
                #"{"template_hash_id": "\#(hash)", "q": {"disk_space": {"gte": 10}}}"#,
                path: APIPath.launch)
            #expect(launched.gpuCount == 2, "of the template's filters")
            #expect(row["template_hash_id"] == .string(hash))
        }
    }

    @Test func `a template that there is not, or not so, makes nothing`() async throws {
        try await Self.withTemplate { server, client, template, maker in
            for json in [
                #"{"template_hash_id": "00"}"#, #"{"template_id": 4711}"#,
                #"{"template_hash_id": 7}"#, #"{"template_id": "x"}"#, #"{"template_id": 1.5}"#,
                #"{"template_hash_id": "\#(template.hashID)", "template_id": 4711}"#,
                // Not its runtype.
                #"{"template_hash_id": "\#(template.hashID)", "args": ["x"]}"#,
            ] {
                for (method, path) in [
                    (HTTPRequest.Method.put, "/api/v0/asks/\(maker.offer)/"),
                    (.put, APIPath.launch),
                ] {
                    let refused = try await client.send(
                        method, path, key: server.key, json: json)
                    #expect(refused.status == .badRequest, "\(json)")
                    #expect(try refused.decoded(ErrorReply.self).error == "invalid_args")
                }
            }
        }
    }

    @Test func `an instance keeps what it was made from when the template changes`() async throws {
        try await Self.withTemplate { server, client, template, maker in
            let changed = try await client.send(
                .put, APIPath.templates, key: server.key,
                json:
                    #"{"hash_id": "\#(template.hashID)", "name": "other", "image": "alpine"}"#
            ).decoded(TemplateReply.self).template
            let (old, oldRow) = try await maker.made(
                #"{"template_hash_id": "\#(template.hashID)"}"#)
            #expect(old.image == "debian:12" && oldRow["template_name"] == .string("trainer"))
            let (new, newRow) = try await maker.made(#"{"template_id": \#(template.id)}"#)
            #expect(new.image == "alpine" && new.environment.count == 1)
            #expect(newRow["template_hash_id"] == .string(changed.hashID))
            let gone = try await client.send(
                .delete, APIPath.templates, key: server.key,
                json: #"{"template_id": \#(template.id)}"#)
            #expect(gone.status == .ok)
            let rows = try await client.send(.get, APIPath.instances, key: server.key)
            #expect(rows.text.contains(template.hashID) && rows.text.contains(changed.hashID))
        }
    }
}
