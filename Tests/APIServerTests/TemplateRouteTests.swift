import APIServer
import AgentLink
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// Templates as the official clients send and read them (contract 10), and instances made from them (contract 4).
@Suite struct TemplateRouteTests {
    private static let path = APIPath.templates

    /// As `vastai create template --name trainer --image debian --image_tag 12 --ssh --direct …` sends it: the disk is a
    /// text, and much is null.
    private static let body = """
        {"name": "trainer", "image": "debian", "tag": "12", "href": null, "repo": null,
         "env": "-e MODE=fast -e 'BOTH=one two' -p 8080:8080 -p 9000:9000/udp -v data:/data -h box", "onstart": "echo hello",
         "jup_direct": false, "ssh_direct": true, "use_jupyter_lab": false, "runtype": "ssh", "use_ssh": true,
         "jupyter_dir": null, "docker_login_repo": null, "extra_filters": {"num_gpus": {"gte": "2"}, "verified": {"eq": true}},
         "recommended_disk_space": "20.0", "readme": "# Read me", "readme_visible": false, "desc": null, "private": true}
        """

    private static func body(_ changes: [String: JSONValue]) throws -> String {
        let whole = try JSONDecoder().decode([String: JSONValue].self, from: Data(body.utf8))
        let changed = whole.merging(changes) { $1 }
        return String(decoding: try JSONEncoder().encode(changed), as: UTF8.self)
    }

    private static func make(
        _ client: any TestClientProtocol, _ key: String, _ changes: [String: JSONValue] = [:]
    ) async throws -> TemplateReply.Kept {
        let made = try await client.send(.post, path, key: key, json: body(changes))
        #expect(made.status == .ok, "\(made.text)")
        let reply = try made.decoded(TemplateReply.self)
        #expect(reply.success && !reply.msg.isEmpty)
        return reply.template
    }

    private static func list(
        _ client: any TestClientProtocol, _ key: String, _ filters: String = "{}",
        columns: String = #"["*"]"#
    ) async throws -> TemplatesReply {
        var query = URLComponents()
        query.queryItems = [
            .init(name: "select_cols", value: columns),
            .init(name: "select_filters", value: filters),
        ]
        let found = try await client.send(
            .get, path + "?" + (query.percentEncodedQuery ?? ""), key: key)
        #expect(found.status == .ok, "\(found.text)")
        return try found.decoded()
    }

    @Test func `a template is made, found, changed and deleted`() async throws {
        try await TestServer.with { server, client in
            let made = try await Self.make(client, server.key)
            #expect(made.hashID.contains(/^[0-9a-f]{32}$/) && made.name == "trainer")
            let found = try await Self.list(client, server.key)
            #expect(found.success && found.templatesFound == 1 && found.msg == nil)
            let row = try #require(found.templates.first)
            #expect(row["id"] == .int(made.id) && row["hash_id"] == .string(made.hashID))
            #expect(row["recommended_disk_space"]?.number == 20, "its digits came as a text")
            #expect(row["env"]?.string?.hasPrefix("-e MODE=fast ") == true)
            #expect(row["extra_filters"]?.object?["num_gpus"] != nil)
            #expect(row["private"] == .bool(true) && row["count_created"] == .int(0))
            #expect(row["readme"] == .string("# Read me") && row["href"] == .null)

            let change = try await client.send(
                .put, Self.path, key: server.key,
                json: Self.body(["hash_id": .string(made.hashID), "tag": .string("13")]))
            let second = try change.decoded(TemplateReply.self).template
            #expect(second.id == made.id && second.hashID != made.hashID)
            let late = try await client.send(
                .put, Self.path, key: server.key,
                json: Self.body(["hash_id": .string(made.hashID)]))
            #expect(late.status == .notFound, "of two who change a version one is too late")
            #expect(try late.decoded(ErrorReply.self).error == "not_found")

            // 1.9.1 sends both, to the other path.
            let both = try Self.body(["id": .int(second.id), "hash_id": .string(second.hashID)])
            let third = try await client.send(
                .put, "/api/v1/template/", key: server.key, json: both
            ).decoded(TemplateReply.self).template
            let rows = try await Self.list(
                client, server.key, #"{"hash_id": {"eq": "\#(third.hashID)"}}"#,
                columns: #"["id", "tag", "colour"]"#)
            #expect(
                rows.templates == [["id": .int(made.id), "tag": .string("12"), "colour": .null]])
            for missing in ["id", "hash_id"] {
                let one = try await client.send(
                    .put, "/api/v1/template/", key: server.key,
                    json: Self.body([missing: missing == "id" ? .int(made.id) : .string("x")]))
                #expect(one.status == .badRequest, "\(missing) alone")
            }

            let gone = try await client.send(
                .delete, Self.path, key: server.key, json: #"{"template_id": \#(made.id)}"#)
            #expect(gone.status == .ok && gone.text.contains("msg"))
            let none = try await Self.list(client, server.key)
            #expect(!none.success && none.msg == "No templates found" && none.templates.isEmpty)
            let again = try await Self.make(client, server.key)
            #expect(again.id > made.id, "no id is given twice")
            for json in [
                #"{"hash_id": "\#(made.hashID)"}"#, #"{"template_id": \#(made.id)}"#,
                #"{"hash_id": "nothing"}"#,
            ] {
                let absent = try await client.send(
                    .delete, Self.path, key: server.key, json: json)
                #expect(absent.status == .notFound)
            }
            let byHash = try await client.send(
                .delete, Self.path, key: server.key, json: #"{"hash_id": "\#(again.hashID)"}"#)
            #expect(byHash.status == .ok)
            for json in [
                "{}", #"{"hash_id": null, "template_id": null}"#, #"{"template_id": "x"}"#,
                #"{"hash_id": 7}"#, #"{"hash_id": "x", "template_id": 1}"#,
            ] {
                let unclear = try await client.send(
                    .delete, Self.path, key: server.key, json: json)
                #expect(unclear.status == .badRequest, "\(json)")
            }
        }
    }

    @Test(arguments: [
        #"{"image": null}"#, #"{"image": "two words"}"#, #"{"image": "debian:12"}"#,
        #"{"image": "debian@sha256:00", "tag": "12"}"#, #"{"tag": "a:b"}"#, #"{"tag": 12}"#,
        #"{"env": {"MODE": "fast"}}"#, #"{"env": "--privileged x"}"#, #"{"env": "-v /etc:/etc"}"#,
        #"{"env": "-e A"}"#, #"{"onstart": ["x"]}"#, #"{"runtype": "rocket"}"#,
        #"{"use_ssh": "yes"}"#, #"{"private": 1}"#, #"{"extra_filters": [1]}"#,
        #"{"extra_filters": {"num_gpus": {"about": 1}}}"#, #"{"extra_filters": {"limit": "few"}}"#,
        #"{"recommended_disk_space": "much"}"#, #"{"recommended_disk_space": -1}"#,
        #"{"recommended_disk_space": true}"#, #"{"name": "a\u0000b"}"#,
        #"{"image_login": "-u me"}"#,
        #"{"image_login": "-u me -p secret", "private": false}"#,
    ])
    func `what could never become an instance is refused with a reason`(changes: String)
        async throws
    {
        try await TestServer.with { server, client in
            let changes = try JSONDecoder().decode(
                [String: JSONValue].self, from: Data(changes.utf8))
            let made = try await client.send(
                .post, Self.path, key: server.key, json: Self.body(changes))
            #expect(made.status == .badRequest)
            let error = try made.decoded(ErrorReply.self)
            #expect(
                ["invalid_args", "invalid_request"].contains(error.error) && !error.msg.isEmpty)
            #expect(try await Self.list(client, server.key).templates.isEmpty)
        }
    }

    @Test(arguments: [
        (#"{"name": {"eq": "my trainer"}}"#, 1), (#"{"image": {"eq": "a b/c d"}}"#, 1),
        (#"{"image": {"in": ["a_b/c_d", "x"]}}"#, 1), (#"{"use_ssh": {"eq": true}}"#, 1),
        (#"{"use_ssh": {"eq": false}}"#, 0), (#"{"count_created": {"lt": "1"}}"#, 1),
        (#"{"recommended_disk_space": {"gte": "20.5"}}"#, 0), (#"{"tag": {"eq": "12"}}"#, 1),
        (#"{"private": {"eq": true}}"#, 1), (#"{"private": {"eq": null}}"#, 0),
        (#"{"recommended": {"neq": true}}"#, 1), (#"{"created_at": {"gt": 1000}}"#, 1),
    ])
    func `filters compare as the command line sends them`(filters: String, count: Int) async throws
    {
        try await TestServer.with { server, client in
            _ = try await Self.make(
                client, server.key, ["name": .string("my_trainer"), "image": .string("a_b/c_d")])
            let found = try await Self.list(client, server.key, filters)
            #expect(found.templates.count == count, "\(filters)")
        }
    }

    @Test(arguments: [
        "select_filters=%7B%22colour%22%3A%7B%22eq%22%3A1%7D%7D",
        "select_filters=%7B%22name%22%3A%7B%22about%22%3A1%7D%7D", "select_filters=nonsense",
        "select_cols=%22name%22",
    ])
    func `a query that means nothing says so`(query: String) async throws {
        try await TestServer.with { server, client in
            let found = try await client.send(.get, Self.path + "?" + query, key: server.key)
            #expect(found.status == .badRequest)
            #expect(try found.decoded(ErrorReply.self).error == "invalid_request")
        }
    }

    @Test func `another account's private template is as if it were not there`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let hidden = try await Self.make(client, server.key)
            #expect(try await Self.list(client, server.otherKey).templates.isEmpty)
            let offer = Int(
                try #require(try await LifecycleRouteTests.offers(client).first?["id"]?.number))
            for (hash, id) in [(hidden.hashID, hidden.id), ("00", 4711)] {
                for json in [
                    #"{"template_hash_id": "\#(hash)"}"#, #"{"template_id": \#(id)}"#,
                ] {
                    let create = try await client.send(
                        .put, "/api/v0/asks/\(offer)/", key: server.otherKey, json: json)
                    #expect(create.status == .badRequest)
                    #expect(create.text == Self.unknown)
                }
                for (method, json) in [
                    (HTTPRequest.Method.delete, #"{"hash_id": "\#(hash)"}"#),
                    (.put, try Self.body(["hash_id": .string(hash)])),
                ] {
                    let change = try await client.send(
                        method, Self.path, key: server.otherKey, json: json)
                    #expect(change.status == .notFound)
                }
            }

            // One for everybody is seen and used by everybody, and changed by its maker.
            let open = try await Self.make(client, server.key, ["private": .bool(false)])
            let seen = try await Self.list(client, server.otherKey).templates
            #expect(seen.map { $0["id"] } == [.int(open.id)])
            #expect(seen[0]["readme"] == .null, "its maker hides it")
            for (method, json) in [
                (HTTPRequest.Method.delete, #"{"hash_id": "\#(open.hashID)"}"#),
                (.put, try Self.body(["hash_id": .string(open.hashID)])),
            ] {
                let change = try await client.send(
                    method, Self.path, key: server.otherKey, json: json)
                #expect(change.status == .notFound)
            }
            let create = #"{"template_hash_id": "\#(open.hashID)", "disk": 8}"#
            let made = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.otherKey, json: create)
            #expect(made.status == .ok)
            let own = try await Self.list(
                client, server.key, #"{"id": {"eq": "\#(open.id)"}}"#)
            #expect(own.templates.first?["count_created"] == .int(1))

            // Its maker takes it back: the version that everybody saw is nobody else's any more.
            _ = try await client.send(
                .put, Self.path, key: server.key, json: Self.body(["id": .int(open.id)]))
            let late = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.otherKey, json: create)
            #expect(late.text == Self.unknown)
            let still = try await client.send(
                .put, "/api/v0/asks/\(offer)/", key: server.key, json: create)
            #expect(still.status == .ok, "an older version is still its maker's to use")
        }
    }

    private static let unknown =
        #"{"error":"invalid_args","msg":"There is no such template.","success":false}"#

    @Test func `a key that is bound changes no template`() async throws {
        try await TestServer.with { server, client in
            let key = try await server.newKey(KeyScope(paths: ["/workspace"]))
            for (method, json) in [
                (HTTPRequest.Method.post, Self.body),
                (.put, try Self.body(["hash_id": .string("x")])),
            ] {
                let refused = try await client.send(method, Self.path, key: key, json: json)
                #expect(refused.status == .forbidden)
                #expect(try refused.decoded(ErrorReply.self).error == "not_authorized")
            }
        }
    }

    @Test func `the store has nothing of a template in the open`() async throws {
        try await TestServer.with { server, client in
            let made = try await Self.make(
                client, server.key,
                ["env": .string("-e TOKEN=topsecret"), "image_login": .string("-u me -p hidden")])
            let maria = try #require(try await server.store.account(named: "maria"))
            let stored = try await server.store.template(.id(made.id), account: maria.id)
            let text = String(decoding: try #require(stored).sealed, as: UTF8.self)
            #expect(!text.contains("topsecret") && !text.contains("debian"))
            let row = try #require(try await Self.list(client, server.key).templates.first)
            #expect(row["has_image_login"] == .bool(true))
            #expect(
                !String(decoding: try JSONEncoder().encode(row), as: UTF8.self).contains("hidden"))
        }
    }
}
