import AgentLink
import AgentSimulator
import Foundation
import HTTPTypes
import HummingbirdTesting
import StoreConformance
import Testing
import VastAPI

/// What offers and instances say of memory and cores, which machines then bound (docs/instances.md).
@Suite struct ShareRowTests {
    @Test func `an instance's row says what its offer said, and an adopted one has no bound`()
        async throws
    {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client, #"{"num_gpus": {"eq": 1}}"#).first)
            // Half of eight cores, and of 32 GB without a sixteenth, in whole 64 KiB.
            #expect(offer["cpu_cores_effective"]?.number == 4)
            #expect(offer["cpu_ram"]?.number == 14_999.945216)
            let id = Int(try #require(offer["id"]?.number))
            let made = try await client.send(
                .put, "/api/v0/asks/\(id)/", key: server.key, json: #"{"image": "a"}"#
            ).decoded(CreateInstanceReply.self).newContract
            let row = try #require(
                try await client.send(.get, APIPath.instance(made), key: server.key)
                    .decoded(InstanceReply.self).instances)
            #expect(row["cpu_cores_effective"]?.number == 4)
            #expect(row["cpu_ram"]?.number == 14_999.945216)
            #expect(row["mem_limit"]?.number == 14.999945216)
            let adopted = try #require(
                try await client.send(.get, APIPath.instance(server.instance), key: server.key)
                    .decoded(InstanceReply.self).instances)
            #expect(adopted["mem_limit"] == .null)
            #expect(adopted["cpu_ram"]?.number == 32_000)
        }
    }

    @Test func `without GPUs the share is one of the slots`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            var report = MachineReport.sample(slots: 8, diskFreeGB: 200)
            report.gpus = []
            try await server.agent.tell(.machine(report))
            let offers = try await LifecycleRouteTests.offers(
                client, #"{"num_gpus": {"eq": 0}}"#)
            #expect(offers.map { $0["cpu_cores_effective"]?.number } == [1])
            #expect(offers.map { $0["cpu_ram"]?.number } == [3749.96992])
        }
    }
}
