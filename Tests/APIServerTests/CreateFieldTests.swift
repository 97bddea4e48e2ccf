import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import Testing
import VastAPI

/// Fields of a create as the official clients send them, and what becomes of them (contract 4, 3.5).
@Suite struct CreateFieldTests {
    /// The specification that a create becomes.
    private static func specification(_ body: String) async throws -> ContainerSpecification {
        let (stream, continuation) = AsyncStream.makeStream(of: ContainerSpecification.self)
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let reply = try await create(server, client, body)
            #expect(reply.status == .ok, "\(reply.text)")
            guard case .wantInstance(let order) = await orders.order(0),
                let specification = order.specification
            else {
                Issue.record("another order")
                return
            }
            continuation.yield(specification)
        }
        continuation.finish()
        return try #require(await stream.first { _ in true })
    }

    private static func create(
        _ server: TestServer, _ client: any TestClientProtocol, _ body: String
    ) async throws -> TestResponse {
        let offer = try #require(
            try await LifecycleRouteTests.offers(client).first?["id"]?.number)
        return try await client.send(
            .put, APIPath.ask(Int64(offer)), key: server.key, json: body)
    }

    @Test(arguments: [
        ("ssh", true), ("ssh_proxy", true), ("ssh_direc ssh_proxy", true), ("ssh_direct", true),
        ("jupyter_proxy ssh_proxy", true), ("jupyter_direc ssh_direc ssh_proxy", true),
        ("jupyter", true), ("jupyter_direct", true), ("args", false),
    ])
    func `each runtype that clients send is taken`(runtype: String, hasSSH: Bool) async throws {
        let made = try await Self.specification(
            #"{"image": "a", "runtype": "\#(runtype)", "onstart": "run it"}"#)
        #expect(made.hasSSH == hasSSH)
        #expect(
            made.program
                == (hasSSH
                    ? .shell(script: "run it") : .image(entrypoint: ["run", "it"], arguments: nil)))
    }

    /// Upstream names 4,048 characters, and 16 KiB.
    @Test(arguments: [4048, 16_384])
    func `a long script is taken whole`(length: Int) async throws {
        let script = String(repeating: "é", count: length)
        let made = try await Self.specification(#"{"image": "a", "onstart": "\#(script)"}"#)
        #expect(made.program == .shell(script: script))
    }

    @Test func `a program with words takes args and args_str behind it`() async throws {
        let made = try await Self.specification(
            #"""
            {"image": "a", "runtype": "args", "onstart": "/bin/serve --all", "args": ["x y"],
             "args_str": "--name 'one two' z", "force": true, "python_utf8": true, "lang_utf8": true,
             "use_jupyter_lab": true, "jupyter_dir": "/", "extra": "x", "client_id": "me"}
            """#)
        #expect(
            made.program
                == .image(
                    entrypoint: ["/bin/serve", "--all"],
                    arguments: ["x y", "--name", "one two", "z"]))
    }

    @Test(arguments: ["nobody", "0", "1000:1000", "www-data:adm", "_apt", "2147483647"])
    func `a user is passed to the container`(user: String) async throws {
        let made = try await Self.specification(
            #"{"image": "a", "runtype": "args", "user": "\#(user)"}"#)
        #expect(made.user == user)
    }

    @Test(arguments: ["null", "false", #""""#])
    func `without a user it is the image's own`(user: String) async throws {
        for runtype in ["args", "ssh"] {
            let made = try await Self.specification(
                #"{"image": "a", "runtype": "\#(runtype)", "user": \#(user)}"#)
            #expect(made.user == nil)
        }
    }

    @Test(arguments: [
        (#"{"runtype": "ssh", "user": "nobody"}"#, "user is for runtype args"),
        (#"{"runtype": "jupyter_proxy ssh_proxy", "user": "root"}"#, "user is for runtype args"),
        (#"{"runtype": "args", "user": "a b"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "-x"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "a:"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": ":a"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "a:b:c"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "2147483648"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "1a"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "é"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": "a\nb"}"#, "user is a name or a number"),
        (#"{"runtype": "args", "user": 7}"#, "user is a name or a number"),
        (#"{"disk": 0}"#, "disk is a number of GB, from 8 to 1,000,000."),
        (#"{"disk": 9999999}"#, "disk is a number of GB, from 8 to 1,000,000."),
        (#"{"image": "sha256:0123456789abcdef"}"#, "image is the name of an image"),
        // `--env '-e "Q=two words"'` of the official command line.
        (#"{"env": {"\"Q": "two words\""}}"#, #""Q"#),
    ])
    func `what is wrong is told`(fields: String, words: String) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let image = fields.contains("image") ? "" : #""image": "a", "#
            let reply = try await Self.create(
                server, client, "{" + image + fields.dropFirst())
            #expect(reply.status == .badRequest)
            let error = try reply.decoded(ErrorReply.self)
            #expect(error.error == "invalid_args")
            #expect(error.msg.contains(words), "\(error.msg)")
        }
    }

    /// Upstream's 200 that is none: clients read `success` and `msg`.
    @Test func `a start without free GPUs is resources_unavailable`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            // What is wished stopped, and is, holds no GPU.
            func settle(_ index: Int) async throws {
                guard case .wantInstance(let order) = await orders.order(index) else {
                    Issue.record("another order")
                    return
                }
                try await server.agent.tell(
                    .instanceProgress(
                        .init(
                            instanceID: order.instanceID, number: order.number, phase: .done,
                            message: "")))
            }
            let offer = try #require(
                try await LifecycleRouteTests.offers(client, #"{"num_gpus": {"eq": 2}}"#)
                    .first?["id"]?.number)
            var ids: [Int64] = []
            for (index, state) in ["stopped", "running"].enumerated() {
                let made = try await client.send(
                    .put, APIPath.ask(Int64(offer)), key: server.key,
                    json: #"{"image": "a", "target_state": "\#(state)"}"#)
                ids.append(try made.decoded(CreateInstanceReply.self).newContract)
                try await settle(index)
            }
            for (method, path, json) in [
                (HTTPRequest.Method.put, APIPath.instance(ids[0]), #"{"state": "running"}"#),
                (.put, APIPath.instances, #"{"state": "running", "ids": [\#(ids[0])]}"#),
            ] {
                let reply = try await client.send(method, path, key: server.key, json: json)
                #expect(reply.status == .ok)
                let change = try reply.decoded(ChangeReply.self)
                #expect(!change.success && change.error == "resources_unavailable")
                #expect(change.msg?.isEmpty == false)
            }
            _ = try await client.send(
                .put, APIPath.instance(ids[1]), key: server.key, json: #"{"state": "stopped"}"#)
            try await settle(2)
            let start = try await client.send(
                .put, APIPath.instance(ids[0]), key: server.key, json: #"{"state": "running"}"#)
            #expect(start.text == #"{"success":true}"#)
        }
    }

    /// Clients send a body with nearly every method, and none with some (contract 0.5).
    @Test func `a body where none is needed does no harm, nor none where it says nothing`()
        async throws
    {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            for path in [
                "/api/v0/instances/", "/api/v1/instances/", APIPath.instance(server.instance),
                APIPath.currentUser, "/api/v0/machines", "/api/v0/bundles/", "/api/v0/ssh/",
                "/api/v0/endptjobs/",
            ] {
                let plain = try await client.send(.get, path, key: server.key)
                #expect(plain.status == .ok, "\(path)")
                for body in ["{}", #"{"client_id": "me", "api_key": "\#(server.key)"}"#] {
                    let reply = try await client.send(.get, path, key: server.key, json: body)
                    #expect(reply.status == .ok, "\(path)")
                    #expect(
                        Set(try reply.decoded(JSONValue.self).object?.keys.map { $0 } ?? [])
                            == Set(try plain.decoded(JSONValue.self).object?.keys.map { $0 } ?? []),
                        "\(path)")
                }
            }
            let gone = try await client.send(
                .delete, APIPath.instance(server.instance), key: server.key)
            #expect(gone.status == .ok)
        }
    }
}
