import AgentLink
import ControlPlane
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What a revoked machine has left: nothing.
@Suite struct RevokedMachineTests {
    /// A machine that has joined and has one container, of the first account.
    private func join(_ server: TestServer) async throws -> (
        machine: Machine, token: String, instance: Int64
    ) {
        let secret = Secret()
        try await server.store.addJoinToken(secret.digest, expiresAt: 1e12)
        let reply = try await server.gateway.join(
            token: secret.text, name: "m", nonce: LinkNonce())
        let machine = try await server.gateway.machine(token: reply.machineToken)
        try await server.gateway.receive(
            [.inventory([.sample("m1", owner: "maria")])], from: machine)
        let account = try #require(try await server.store.account(named: "maria"))
        let instance = try #require(
            try await server.store.instances(account: account.id).last {
                $0.machineID == machine.id
            }
        )
        return (machine, reply.machineToken, instance.id)
    }

    private func execute(
        _ server: TestServer, _ client: some TestClientProtocol, on instance: Int64
    ) async throws -> Int64 {
        try await client.send(
            .put, APIPath.execute(instance: instance), key: server.key, json: #"{"command":"ls"}"#
        ).decoded(ExecuteReply.self).commandID
    }

    @Test(.timeLimit(.minutes(3)))
    func `its link, its commands and its instances end, and nothing of it is taken`() async throws {
        try await TestServer.with { server, client in
            let (machine, token, instance) = try await join(server)
            let waiting = try await execute(server, client, on: instance)
            let (messages, _) = try await server.gateway.attachSigned(
                machine, hello: AgentHello(heldCommandIDs: [], nonce: LinkNonce()))
            let given = try await execute(server, client, on: instance)
            #expect(server.dispatcher.isConnected(machine.id))

            try await server.revoked.refresh()
            #expect(server.dispatcher.isConnected(machine.id), "nobody was revoked yet")
            #expect(try await server.store.revokeMachine(machine.id, at: 9))
            await #expect(throws: ControlPlaneError.self) {
                try await server.gateway.machine(token: token)
            }
            try await server.revoked.refresh()

            // Ends, and what it has not said yet it does not say.
            var said: [ServerMessage] = []
            for await message in messages { said.append(message) }
            #expect(said.isEmpty, "\(said)")
            #expect(await messages.waitUntilCut())
            for id in [waiting, given] {
                let row = try await client.send(.get, APIPath.command(id), key: server.key)
                    .decoded(CommandRow.self)
                #expect(row.state == "lost")
                #expect(row.note == "its machine was revoked by the operator")
            }
            #expect(try await server.store.instance(instance) == nil)
            #expect(try await server.store.instance(server.instance) != nil, "others stay")

            // A call whose token was looked at before.
            await #expect(throws: ControlPlaneError.self) {
                try await server.gateway.receive(
                    [.inventory([.sample("m1", owner: "maria")])], from: machine)
            }
            await #expect(throws: ControlPlaneError.self) {
                _ = try await server.gateway.attachSigned(
                    machine, hello: AgentHello(heldCommandIDs: [], nonce: LinkNonce()))
            }
            let hello =
                #"{"protocol_version":5,"held_command_ids":[],"nonce":"AAECAwQFBgcICQoLDA0ODw"}"#
            for path in [LinkProtocol.linkPath, LinkProtocol.reportsPath, LinkProtocol.resultsPath]
            {
                let answer = try await client.send(.post, path, key: token, json: hello)
                #expect(answer.status == .unauthorized, "\(path)")
            }
        }
    }

    @Test func `what waits for it is cancelled`() async throws {
        try await TestServer.with { server, client in
            let (machine, _, instance) = try await join(server)
            let waiting = try await execute(server, client, on: instance)
            #expect(try await server.store.revokeMachine(machine.id, at: 9))
            try await server.revoked.refresh()
            let row = try await client.send(.get, APIPath.command(waiting), key: server.key)
                .decoded(CommandRow.self)
            #expect(row.state == "cancelled")
        }
    }
}

/// The first words of a link.
@Suite struct SignedLinkTests {
    @Test func `an agent of another version hears that, and one without a nonce gets no link`()
        async throws
    {
        try await TestServer.with { server, _ in
            func code(_ hello: AgentHello) async -> ControlPlaneError.Code? {
                do {
                    _ = try await server.gateway.attachSigned(server.machine, hello: hello)
                    return nil
                } catch { return (error as? ControlPlaneError)?.code }
            }
            #expect(
                await code(AgentHello(protocolVersion: 3, heldCommandIDs: [])) == .agentOutdated)
            #expect(await code(AgentHello(heldCommandIDs: [])) == .invalidArguments)
            #expect(!server.dispatcher.isConnected(server.machine.id))
            #expect(await code(AgentHello(heldCommandIDs: [], nonce: LinkNonce())) == nil)
        }
    }

    @Test func `each link has a nonce of its own, and its lines are numbered from zero`()
        async throws
    {
        try await TestServer.with { server, _ in
            let hello = AgentHello(heldCommandIDs: [], nonce: LinkNonce())
            var (_, one) = try await server.gateway.attachSigned(server.machine, hello: hello)
            let (_, other) = try await server.gateway.attachSigned(server.machine, hello: hello)
            #expect(one.attachment.machineID == server.machine.id)
            #expect(one.attachment.agentNonce == hello.nonce)
            #expect(one.attachment.agentNonce == other.attachment.agentNonce)
            #expect(one.attachment.serverNonce != other.attachment.serverNonce)
            for sequence: UInt64 in 0..<3 {
                let line = try one.line([UInt8](#"{"type":"heartbeat"}"#.utf8))
                #expect(line.sequence == sequence)
            }
        }
    }
}
