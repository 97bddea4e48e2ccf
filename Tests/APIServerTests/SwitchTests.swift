import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// What the operator switches off is refused, and nothing else.
@Suite struct SwitchTests {
    private func execute(_ server: TestServer, _ client: some TestClientProtocol, _ command: String)
        async throws
        -> TestResponse
    {
        try await client.send(
            .put, APIPath.execute(instance: server.instance), key: server.key,
            json: #"{"command":"\#(command)"}"#)
    }

    @Test func `a program that is off is refused with its reason, until it is on again`()
        async throws
    {
        try await TestServer.with { server, client in
            try await server.store.switchOff(
                OffSwitch(target: .program("rm"), reason: "audit week", since: 1))
            try await server.switches.refresh()
            let refused = try await execute(server, client, "rm x")
            #expect(refused.status == .forbidden)
            let reply = try refused.decoded(ErrorReply.self)
            #expect(reply.error == "switched_off")
            #expect(reply.msg == "rm is switched off by the operator: audit week")
            #expect(try await execute(server, client, "ls x").status == .ok)

            #expect(try await server.store.switchOn(.program("rm"), at: 2))
            try await server.switches.refresh()
            #expect(try await execute(server, client, "rm x").status == .ok)
        }
    }

    @Test func `instances, machines and everything`() async throws {
        try await TestServer.with { server, client in
            for (target, isMeant) in [
                (OffSwitch.Target.instance(server.instance), true),
                (.instance(server.otherInstance), false), (.machine(server.machine.id), true),
                (.machine(server.machine.id + 1), false), (.everything, true),
            ] {
                try await server.store.switchOff(OffSwitch(target: target, reason: "", since: 1))
                try await server.switches.refresh()
                let status = try await execute(server, client, "ls").status
                #expect((status == .forbidden) == isMeant, "\(target)")
                #expect(try await server.store.switchOn(target, at: 2))
            }
        }
    }

    @Test func `what waits for its machine is cancelled`() async throws {
        try await TestServer.with { server, client in
            let reply = try await execute(server, client, "ls").decoded(ExecuteReply.self)
            try await server.store.switchOff(
                OffSwitch(target: .everything, reason: "fire", since: 1))
            try await server.switches.refresh()
            let row = try await client.send(
                .get, APIPath.command(reply.commandID), key: server.key
            ).decoded(CommandRow.self)
            #expect(row.state == "cancelled")
            #expect(row.note == "Commands are switched off by the operator: fire")
        }
    }

    @Test func `each switch is in the audit log`() async throws {
        try await TestServer.with { server, _ in
            try await server.store.switchOff(
                OffSwitch(target: .machine(7), reason: "r", since: 5))
            _ = try await server.store.switchOn(.machine(7), at: 6)
            let entries = try await server.store.auditEntries(after: 0, limit: 100)
                .compactMap(\.entry).filter { $0.event == .switchedOff || $0.event == .switchedOn }
            #expect(entries.map(\.detail) == ["machine 7: r", "machine 7"])
        }
    }

    @Test(arguments: [
        OffSwitch.Target.everything, .program("a b"), .instance(9), .machine(Int64.max),
    ])
    func `a target reads back`(target: OffSwitch.Target) {
        #expect(OffSwitch.Target("\(target)") == target)
    }
}
