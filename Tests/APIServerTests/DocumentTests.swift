import APIServer
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Testing
import VastAPI
import Yams

/// The OpenAPI file says what the router does: the same paths and methods, no more and no less.
@Suite struct DocumentTests {
    struct Operation: Hashable, CustomStringConvertible {
        var method: String
        var path: String
        var description: String { "\(method) \(path)" }
    }

    @Test func `the OpenAPI file has exactly the routes of the router`() async throws {
        try await TestServer.with { server, _ in
            let routes = APIServer.router(server.parts).routes.map { route in
                Operation(
                    method: route.method.rawValue.lowercased(),
                    path: Self.normal(route.path.description))
            }
            #expect(routes.count > 80)
            #expect(Set(routes).count == routes.count)
            let documented = try Self.operations()
            #expect(Set(routes).subtracting(documented).isEmpty, "not documented")
            #expect(documented.subtracting(routes).isEmpty, "documented, and not there")
        }
    }

    @Test func `every documented operation is there, and what is served is the file`() async throws
    {
        try await TestServer.with { server, client in
            for operation in try Self.operations() {
                let path = operation.path.replacing("{}", with: "1")
                let method = try #require(HTTPRequest.Method(operation.method.uppercased()))
                let response = try await client.send(method, path, key: server.key, json: "{}")
                #expect(!response.text.contains("There is nothing here."), "\(operation)")
                #expect(response.status != .notImplemented, "\(operation)")
            }
            let served = try await client.send(.get, "/openapi.yaml")
            #expect(try served.text == Self.source(Self.file))
        }
    }

    /// The seed page's own part (`seed/execute.md`): fields, enumerations and statuses of `execute`.
    @Test func `execute is documented with all that the seed's page has`() throws {
        let root = try #require(try Yams.load(yaml: Self.source(Self.file)) as? [String: Any])
        let paths = try #require(root["paths"] as? [String: [String: Any]])
        let execute = try #require(
            paths["/api/v0/instances/command/{id}/"]?["put"] as? [String: Any])
        let responses = try #require(execute["responses"] as? [String: Any])
        #expect(Set(responses.keys).isSuperset(of: ["200", "400", "401", "403", "429", "483"]))
    }

    private static let file = "Sources/APIServer/Documents/openapi.yaml"

    private static func operations() throws -> Set<Operation> {
        let root = try #require(try Yams.load(yaml: source(file)) as? [String: Any])
        let paths = try #require(root["paths"] as? [String: [String: Any]])
        let methods: Set = ["get", "put", "post", "delete", "head"]
        return Set(
            paths.flatMap { path, item in
                item.keys.filter(methods.contains).map {
                    Operation(method: $0, path: normal(path))
                }
            })
    }

    /// Without trailing slash, and every parameter as `{}`.
    private static func normal(_ path: String) -> String {
        path.split(separator: "/").map { part in
            part.hasPrefix(":") || part.hasPrefix("{") ? "{}" : String(part)
        }.reduce(into: "") { $0 += "/" + $1 }
    }

    private static func source(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }
}
