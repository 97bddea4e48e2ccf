import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What else belongs to an account (contract 7.3).
@Suite struct AccountRouteTests {
    private static let secrets = "/api/v0/secrets/"
    private static let reset = "/api/v0/commands/reset_apikey/"

    @Test func `environment variables are set, masked, and given to instances`() async throws {
        try await TestServer.with { server, client in
            func send(_ method: HTTPRequest.Method, _ json: String) async throws -> TestResponse {
                try await client.send(method, Self.secrets, key: server.key, json: json)
            }
            let added = try await send(.post, #"{"key": "hf_token", "value": "abc.DEF-1_2"}"#)
            #expect(
                added.text == #"{"msg":"Environment variable added successfully","success":true}"#)
            let many = try await send(
                .post, #"{"env_vars": [{"key": "A", "value": "1"}, {"key": "b", "value": "2"}]}"#)
            #expect(try many.decoded(PlainReply.self).success)
            let updated = try await send(.put, #"{"key": "A", "value": "3"}"#)
            #expect(
                try updated.decoded(PlainReply.self).msg
                    == "Environment variable updated successfully")
            let list = try await client.send(.get, Self.secrets, key: server.key)
            #expect(
                try list.decoded(SecretsReply.self).secrets
                    == ["HF_TOKEN": "********", "A": "********", "B": "********"])
            let account = try #require(try await server.store.account(named: "maria"))
            let environment = server.parts.account.environment
            #expect(
                try await environment.environment(account: account.id)
                    == [["A", "3"], ["B", "2"], ["HF_TOKEN", "abc.DEF-1_2"]])
            let stored = try await server.store.environmentVariables(account: account.id)
            #expect(!stored.contains { $0.sealed.contains(subsequence: Array("abc.DEF".utf8)) })
            let gone = try await send(.delete, #"{"key": "hf_token"}"#)
            #expect(
                try gone.decoded(PlainReply.self).msg
                    == "Environment variable deleted successfully")
            for (method, json) in [
                (HTTPRequest.Method.delete, #"{"key": "HF_TOKEN"}"#),
                (.put, #"{"key": "HF_TOKEN", "value": "x"}"#),
            ] {
                let reply = try await send(method, json)
                #expect(reply.status == .badRequest)
                #expect(
                    try reply.decoded(ErrorReply.self).msg == "Environment variable not found")
            }
            let others = try await client.send(.get, Self.secrets, key: server.otherKey)
            #expect(try others.decoded(SecretsReply.self).secrets.isEmpty)
        }
    }

    @Test(arguments: [
        "{}", #"{"key": "A"}"#, #"{"value": "A"}"#, #"{"key": "A", "value": 5}"#,
        #"{"key": "A", "value": ""}"#, #"{"key": "A", "value": "a b"}"#,
        #"{"key": "A", "value": "$(id)"}"#, #"{"key": "A", "value": "a\nB=c"}"#,
        #"{"key": "1A", "value": "a"}"#, #"{"key": "", "value": "a"}"#,
        #"{"key": "A=B", "value": "a"}"#, #"{"key": "É", "value": "a"}"#,
        #"{"key": "path", "value": "a"}"#, #"{"key": "LD_PRELOAD", "value": "a"}"#,
        #"{"env_vars": [{"key": "A", "value": "1"}, {"key": "HOME", "value": "b"}]}"#,
        #"{"key": "ﬁ", "value": "a"}"#, #"{"env_vars": {}}"#, #"{"env_vars": []}"#,
        #"{"env_vars": [5]}"#, #"{"env_vars": [{"key": "A", "value": "1"}, {"key": "B"}]}"#,
        #"{"env_vars": [{"key": "A", "value": "1"}, {"key": "B", "value": "?"}]}"#,
    ])
    func `what is no variable is refused, and nothing is kept`(body: String) async throws {
        try await TestServer.with { server, client in
            let reply = try await client.send(
                .post, Self.secrets, key: server.key, json: body)
            #expect(reply.status == .badRequest)
            #expect(try reply.decoded(ErrorReply.self).error == "invalid_args")
            let list = try await client.send(.get, Self.secrets, key: server.key)
            #expect(list.text == #"{"secrets":{},"success":true}"#)
        }
    }

    @Test func `there are 16 variables at most, and no value is in the audit log`() async throws {
        try await TestServer.with { server, client in
            let before = try await server.store.auditHead()?.sequence ?? 0
            for number in 1...17 {
                let reply = try await client.send(
                    .post, Self.secrets, key: server.key,
                    json: #"{"key": "K\#(number)", "value": "topsecret"}"#)
                #expect(reply.status == (number == 17 ? .badRequest : .ok))
                if number == 17 {
                    #expect(
                        try reply.decoded(ErrorReply.self).msg
                            == "User has reached the limit of 16 environment variables.")
                }
            }
            let records = try await server.store.auditEntries(after: before, limit: 99)
            #expect(records.count == 16)
            #expect(records.first?.entry?.arguments == ["key": "K1"])
            for record in records {
                #expect(!String(decoding: record.body, as: UTF8.self).contains("topsecret"))
            }
        }
    }

    @Test func `a bound key changes no environment`() async throws {
        try await TestServer.with { server, client in
            for scope in [
                KeyScope(paths: ["/a"]), KeyScope(commands: ["vast"]), KeyScope(writes: false),
                KeyScope(deletionBudget: DeletionBudget(bytes: 1)),
            ] {
                let key = try await server.newKey(scope)
                let reply = try await client.send(
                    .post, Self.secrets, key: key, json: #"{"key": "A", "value": "b"}"#)
                #expect(reply.status == .forbidden)
            }
        }
    }

    @Test func `a key that is reset has another secret, and is otherwise the same`() async throws {
        try await TestServer.with { server, client in
            let scope = KeyScope(
                permissions: KeyPermissions(.userRead, .userWrite, .instanceRead),
                paths: ["/a"], deletionBudget: DeletionBudget(entries: 3))
            let old = try await server.newKey(scope, expiresAt: 4e9)
            let before = try await server.parts.authenticator.principal(key: old)
            let reply = try await client.send(
                .put, Self.reset, key: old, json: #"{"client_id": "me"}"#
            ).decoded(ResetKeyReply.self)
            #expect(reply.success && reply.newAPIKey != old)
            #expect(try await server.parts.authenticator.principal(key: reply.newAPIKey) == before)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: old).status == .unauthorized)
            #expect(
                try await client.send(.get, APIPath.currentUser, key: reply.newAPIKey).status == .ok
            )
            // Of two at once, one holds the key.
            let both = await withTaskGroup(of: String?.self) { group in
                for _ in 0..<2 {
                    group.addTask {
                        let answer = try? await client.send(
                            .put, Self.reset, key: reply.newAPIKey, json: "{}")
                        return (try? answer?.decoded(ResetKeyReply.self))?.newAPIKey
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }.compactMap(\.self)
            }
            #expect(both.count == 1)
            let winner = try #require(both.first)
            #expect(try await client.send(.get, APIPath.currentUser, key: winner).status == .ok)
        }
    }

    @Test func `the account's own page has what clients show, and no secret`() async throws {
        try await TestServer.with { server, client in
            let reply = try await client.send(
                .get, "/api/v0/users/current?owner=me", key: server.key)
            let user = try #require(try reply.decoded(JSONValue.self).object)
            #expect(user["id"] == .int(1) && user["key_id"] == .int(1))
            #expect(user["email"] == .string("maria@boathook.invalid"))
            for name in ["balance", "credit"] { #expect(user[name]?.number == 0) }
            for name in ["has_billing", "email_verified", "host_agreement_accepted"] {
                #expect(user[name] == .bool(true))
            }
            #expect(user["ssh_key"] == .string("") && user["api_key"] == .string(""))
            #expect(!reply.text.contains(server.key))
        }
    }

    @Test func `requests without an address are no entry, and a stored one is shown`() async throws
    {
        try await TestServer.with { server, client in
            let account = try #require(try await server.store.account(named: "maria"))
            let addresses = server.parts.account.addresses
            for _ in 0..<3 { await addresses.note("2001:db8::7", account: account.id) }
            await addresses.note("", account: account.id)
            let reply = try await client.send(
                .get, "/api/v0/users/me/ipaddrs?owner=me", key: server.key)
            let rows = try reply.decoded(AddressListReply.self).results
                .filter { $0.ip.contains("db8") || $0.ip.isEmpty }
            #expect(rows.map(\.ipAddress) == ["2001:db8::7"])
            #expect(rows.first?.firstLocation.isEmpty == true)
            let others = try await client.send(
                .get, "/api/v0/users/me/ipaddrs", key: server.otherKey)
            #expect(!others.text.contains("db8"))
        }
    }

    @Test func `what could not be noted is noted the next time`() async throws {
        try await TestServer.with { server, _ in
            let addresses = server.parts.account.addresses
            // There is no such account yet, and so the store refuses.
            await addresses.note("192.0.2.1", account: 3)
            let account = try await server.store.ensureAccount(named: "li")
            #expect(account.id == 3)
            #expect(try await server.store.addresses(account: 3).isEmpty)
            await addresses.note("192.0.2.1", account: 3)
            #expect(
                try await server.store.addresses(account: 3).map(\.address) == ["192.0.2.1"])
        }
    }
}

extension Array where Element: Equatable {
    fileprivate func contains(subsequence: [Element]) -> Bool {
        indices.contains { self[$0...].starts(with: subsequence) }
    }
}
