import APIServer
import AgentLink
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import StoreConformance
import Testing
import VastAPI

/// Who sees what of the machines (contract 5, 8).
@Suite struct MachineRouteTests {
    @Test func `machines are shown to their operator, and to nobody else`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let one = "/api/v0/machines/\(server.machine.id)"
            for path in ["/api/v0/machines?owner=me", "/api/v0/machines/"] {
                let own = try await client.send(.get, path, key: server.key)
                #expect(try own.decoded(JSONValue.self).object?["machines"]?.array?.count == 1)
                let other = try await client.send(.get, path, key: server.otherKey)
                #expect(other.status == .ok)
                #expect(other.text == #"{"machines":[]}"#)
            }
            #expect(try await client.send(.get, one, key: server.key).status == .ok)
            let reader = try await server.newKey(
                KeyScope(permissions: KeyPermissions(.machineRead), writes: false))
            #expect(try await client.send(.get, one, key: reader).status == .ok)
            let absent = try await client.send(.get, "/api/v0/machines/99", key: server.key)
            let other = try await client.send(.get, one, key: server.otherKey)
            #expect(absent.status == .notFound && other.status == .notFound)
            #expect(other.text == absent.text, "nothing tells the one from the other")
        }
    }

    /// Anybody may search, without a key: see `MachineReport.sample` for what the machine has told.
    @Test func `offers name no machine and no address`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let report = try #require(
                try await server.store.machineRecords().first?.report)
            #expect(!report.hostname.isEmpty && !report.publicAddress.isEmpty)
            let reply = try await client.send(.post, "/api/v0/bundles/", json: "{}")
            #expect(!reply.text.contains(report.publicAddress))
            let offers = try reply.decoded(OffersReply.self).offers
            #expect(offers.count == 2)
            for offer in offers {
                #expect(offer["hostname"] == .null && offer["public_ipaddr"] == .null)
                for name in ["machine_id", "host_id", "geolocation", "hosting_type"] {
                    #expect(offer[name] != nil && offer[name] != .null, "\(name)")
                }
            }
            // Nor are they found by what they do not say.
            for query in [
                #"{"hostname": {"eq": "\#(report.hostname)"}}"#,
                #"{"public_ipaddr": {"eq": "\#(report.publicAddress)"}}"#,
            ] {
                #expect(try await LifecycleRouteTests.offers(client, query).isEmpty)
            }
        }
    }
}
