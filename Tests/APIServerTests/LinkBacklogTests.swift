import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import StoreConformance
import Testing
import VastAPI

/// What waits for a machine that does not read is bounded, whatever it does meanwhile (security.md, P30).
@Suite(.timeLimit(.minutes(3))) struct LinkBacklogTests {
    private func attach(_ server: TestServer) async throws -> LinkMessages {
        try await server.gateway.attach(server.machine, hello: AgentHello(heldCommandIDs: []))
    }

    /// Ids of instances that the machine is to make.
    private func make(
        _ count: Int, _ server: TestServer, _ client: some TestClientProtocol
    ) async throws -> Set<Int64> {
        try await server.agent.tell(.machine(.sample(slots: 8, diskFreeGB: 400)))
        let offer = try #require(try await server.store.offers().first).id
        var ids: Set<Int64> = []
        for number in 0..<count {
            let made = try await client.send(
                .put, APIPath.ask(offer), key: server.key,
                json: """
                    {"image": "a", "label": "\(number)", "target_state": "stopped"}
                    """)
            ids.insert(try made.decoded(CreateInstanceReply.self).newContract)
        }
        return ids
    }

    @Test func `each instance waits once, however often the machine was started`() async throws {
        try await TestServer.with { server, client in
            let ids = try await make(3, server, client)
            for id in ids {
                let start = try await client.send(
                    .put, APIPath.instance(id), key: server.key, json: #"{"state": "stopped"}"#)
                #expect(start.status == .ok)
            }
            let messages = try await attach(server)
            var report = MachineReport.sample(slots: 8, diskFreeGB: 400)
            for round in 0..<200 {
                report.bootID = "\(round)"
                try await server.agent.tell(.machine(report))
            }
            #expect(messages.waitingCount == 1 + ids.count, "the welcome, and each instance")
            // What is read is how each is wished by now.
            let destroyed = try #require(ids.min())
            let gone = try await client.send(
                .delete, APIPath.instance(destroyed), key: server.key, json: "{}")
            #expect(gone.status == .ok)
            var told: [Int64: InstanceOrder.State] = [:]
            for await message in messages {
                guard case .wantInstance(let order) = message else { continue }
                #expect(told[order.instanceID] == nil)
                told[order.instanceID] = order.state
                if told.count == ids.count { break }
            }
            #expect(Set(told.keys) == ids)
            #expect(told.filter { $0.value == .gone }.map(\.key) == [destroyed])
        }
    }

    @Test func `a wish to cancel waits once, and not for a command that has ended`() async throws {
        try await TestServer.with { server, client in
            let messages = try await attach(server)
            let accepted = try await client.send(
                .put, APIPath.execute(instance: server.instance), key: server.key,
                json: #"{"command": "ls"}"#
            ).decoded(ExecuteReply.self)
            let command = try #require(try await server.store.command(accepted.commandID))
            for _ in 0..<10_000 { #expect(server.dispatcher.cancel(command)) }
            #expect(messages.waitingCount == 3, "the welcome, the command and the wish")
            try await server.agent.deliver(
                .init(
                    report: CommandFinished(
                        commandID: command.id, outcome: .exited, exitCode: 0,
                        sha256: CommandFinished.emptyDigest), frames: []))
            #expect(messages.waitingCount == 1)
        }
    }

    @Test func `another link of the machine closes the one before, whoever writes on it`()
        async throws
    {
        try await TestServer.with { server, _ in
            let older = try await attach(server)
            let newer = try await attach(server)
            #expect(await older.waitUntilCut())
            #expect(older.waitingCount == 0)
            #expect(newer.waitingCount == 1)
            #expect(server.dispatcher.isConnected(server.machine.id))
        }
    }

    @Test func `a link on which too much waits is closed`() async throws {
        try await TestServer.with { server, _ in
            let messages = try await attach(server)
            var count = 0
            while server.dispatcher.askForOutput(
                SendOutput(relayID: "\(count)", commandID: 1, offset: 0), of: server.machine.id)
            {
                count += 1
                guard count < 100_000 else { break }
            }
            #expect((10_000..<100_000).contains(count))
            #expect(await messages.waitUntilCut())
            #expect(messages.waitingCount == 0)
            #expect(!server.dispatcher.isConnected(server.machine.id))
        }
    }

    @Test func `a link that nobody reads is closed, and one that is read is not`() async throws {
        try await TestServer.with { server, _ in
            try await server.withAgent(answer: TestServer.succeed) {
                // Read before: the agent says that it is connected by the first message.
                server.dispatcher.keepAlive(silence: .seconds(3600))
                #expect(server.dispatcher.isConnected(server.machine.id))
            }
            let messages = try await attach(server)
            server.dispatcher.keepAlive(silence: .seconds(3600))
            #expect(messages.waitingCount == 2, "the welcome, and one sign of life")
            server.dispatcher.keepAlive(silence: .seconds(3600))
            #expect(messages.waitingCount == 2)
            server.dispatcher.keepAlive(silence: .zero)
            #expect(await messages.waitUntilCut())
            #expect(!server.dispatcher.isConnected(server.machine.id))
        }
    }
}
