import APIServer
import AgentLink
import AgentSimulator
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import StoreConformance
import Testing
import VastAPI

/// Pages of instances: what clients lose or see twice when these are wrong (contract 3.2, 3.3).
@Suite struct InstancePageTests {
    private static func page(
        _ server: TestServer, _ client: any TestClientProtocol, _ parameters: [String: String]
    ) async throws -> TestResponse {
        let query = parameters.map { name, value in
            "\(name)=\(value.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? "")"
        }
        return try await client.send(
            .get, "/api/v1/instances/?\(query.joined(separator: "&"))", key: server.key)
    }

    private static func ids(_ page: InstancePageReply) -> [Int64] {
        page.instances.compactMap { $0["id"]?.number.map(Int64.init) }
    }

    /// Instances of these labels, by their ids, on a machine without GPUs, or with so many for each.
    private static func withLabels(
        _ labels: [String?], gpuCount: Int = 0,
        _ body:
            @escaping @Sendable (TestServer, any TestClientProtocol, [Int64]) async throws -> Void
    ) async throws {
        try await LifecycleRouteTests.withMachine { server, client, _ in
            if gpuCount == 0 {
                var report = MachineReport.sample(slots: 8, diskFreeGB: 200)
                report.gpus = []
                try await server.agent.tell(.machine(report))
            }
            let offer = try #require(
                try await LifecycleRouteTests.offers(
                    client, #"{"num_gpus": {"eq": \#(gpuCount)}}"#
                ).first?["id"]?.number)
            var ids: [Int64] = []
            for label in labels {
                let text = label.map { "\"\($0)\"" } ?? "null"
                let made = try await client.send(
                    .put, APIPath.ask(Int64(offer)), key: server.key,
                    json: #"{"image": "a", "label": \#(text), "target_state": "stopped"}"#)
                ids.append(try made.decoded(CreateInstanceReply.self).newContract)
            }
            try await body(server, client, ids)
        }
    }

    @Test func `what goes between two pages takes nothing else with it`() async throws {
        for order in ["[]", #"[{"col": "label", "dir": "desc"}]"#] {
            try await Self.withLabels(["e", "d", "c", "b", "a"]) { server, client, ids in
                let filter = #"{"id": {"in": \#(ids)}}"#
                let parameters = ["limit": "2", "order_by": order, "select_filters": filter]
                let first = try await Self.page(server, client, parameters)
                    .decoded(InstancePageReply.self)
                #expect(Self.ids(first) == Array(ids[..<2]))
                let token = try #require(first.nextToken)
                // One that was seen goes, and one that would have been the next.
                for id in [ids[1], ids[2]] {
                    let gone = try await client.send(
                        .delete, APIPath.instance(id), key: server.key, json: "{}")
                    #expect(gone.status == .ok)
                }
                let second = try await Self.page(
                    server, client, parameters.merging(["after_token": token]) { $1 }
                ).decoded(InstancePageReply.self)
                #expect(Self.ids(second) == Array(ids[3...]))
                #expect(second.nextToken == nil)
            }
        }
    }

    @Test func `what leaves a filter between two pages takes nothing else with it`() async throws {
        try await Self.withLabels(["x", "x", "x", "x"]) { server, client, ids in
            let parameters = ["limit": "2", "select_filters": #"{"label": {"eq": "x"}}"#]
            let first = try await Self.page(server, client, parameters)
                .decoded(InstancePageReply.self)
            #expect(Self.ids(first) == Array(ids[..<2]))
            let token = try #require(first.nextToken)
            for id in ids[..<2] {
                _ = try await client.send(
                    .put, APIPath.instance(id), key: server.key, json: #"{"label": "y"}"#)
            }
            let second = try await Self.page(
                server, client, parameters.merging(["after_token": token]) { $1 }
            ).decoded(InstancePageReply.self)
            #expect(Self.ids(second) == Array(ids[2...]))
        }
    }

    @Test func `labels are ordered as texts, and alike ones by id`() async throws {
        let labels = ["9", "1a", nil, "10", "9", nil]
        try await Self.withLabels(labels) { server, client, ids in
            let filter = #"{"id": {"in": \#(ids)}}"#
            for (order, places) in [
                (#"[{"col": "label"}]"#, [2, 5, 3, 1, 0, 4]),
                (#"[{"col": "label", "dir": "asc"}]"#, [2, 5, 3, 1, 0, 4]),
                (#"[{"col": "label", "dir": "desc"}]"#, [0, 4, 1, 3, 2, 5]),
                (
                    #"[{"col": "label", "dir": "desc"}, {"col": "id", "dir": "desc"}]"#,
                    [4, 0, 1, 3, 5, 2]
                ),
                (#"[{"col": "id", "dir": "desc"}]"#, [5, 4, 3, 2, 1, 0]),
            ] {
                // Whatever the size of a page.
                for limit in ["1", "4", "25"] {
                    var seen: [Int64] = []
                    var parameters = [
                        "limit": limit, "order_by": order, "select_filters": filter,
                    ]
                    repeat {
                        let page = try await Self.page(server, client, parameters)
                            .decoded(InstancePageReply.self)
                        seen += Self.ids(page)
                        parameters["after_token"] = page.nextToken
                    } while parameters["after_token"] != nil && seen.count <= ids.count
                    #expect(seen == places.map { ids[$0] }, "\(order) \(limit)")
                }
            }
        }
    }

    @Test(arguments: [
        (nil, 25), ("0", 5), ("-3", 5), ("1", 1), ("25", 25), ("26", 25), ("1000", 25), ("x", 25),
    ])
    func `a page has 25 rows at most, and 5 for a limit that is none`(limit: String?, count: Int)
        async throws
    {
        try await TestServer.with { server, client in
            try await server.agent.report((0..<30).map { .sample("p\($0)", owner: "maria") })
            let page = try await Self.page(server, client, limit.map { ["limit": $0] } ?? [:])
                .decoded(InstancePageReply.self)
            #expect(page.instances.count == count && page.instancesFound == count)
            #expect(page.totalInstances == 30)
        }
    }

    @Test(arguments: [
        "zzz", "2.34", "W10", "WyIxIl0=", "WyIwIl0", "WyItMSJd", "WyIxIiwiMiJd", "WzFd", "e30",
        "bnVsbA", "%00",
    ])
    func `a token that is none, or of another order, is invalid_token`(token: String) async throws {
        try await TestServer.with { server, client in
            let reply = try await Self.page(server, client, ["after_token": token])
            #expect(reply.status == .badRequest)
            #expect(try reply.decoded(ErrorReply.self).error == "invalid_token")
            // The token of a page that ended with id 1, as it is written.
            let good = try await Self.page(server, client, ["after_token": "WyIxIl0"])
            #expect(good.status == .ok)
            let other = try await Self.page(
                server, client,
                ["after_token": "WyIxIl0", "order_by": #"[{"col": "label"}]"#])
            #expect(try other.decoded(ErrorReply.self).error == "invalid_token")
        }
    }

    @Test func `labels are counted, and those without one are found and counted`() async throws {
        try await Self.withLabels(["x", nil, "x", nil, "y"]) { server, client, ids in
            let parameters = ["select_filters": #"{"label": {"in": [null]}}"#]
            let page = try await Self.page(server, client, parameters)
                .decoded(InstancePageReply.self)
            #expect(Self.ids(page) == [ids[1], ids[3]])
            #expect(page.labelCounts == ["x": 2, "y": 1, "": 2, "name-c1": 1])
            #expect(page.totalInstances == 6 && page.instancesFound == 2)
            let named = try await Self.page(
                server, client, ["select_filters": #"{"label": {"in": [null, "y"]}}"#]
            ).decoded(InstancePageReply.self)
            #expect(Self.ids(named) == [ids[1], ids[3], ids[4]])
        }
    }

    @Test func `the three columns that clients filter by, and the combinations that there are`()
        async throws
    {
        try await Self.withLabels([nil, nil], gpuCount: 1) { server, client, ids in
            for (filter, expected) in [
                (#"{"gpu_name": {"eq": "A100"}}"#, ids),
                (#"{"gpu_name": {"neq": "A100"}}"#, [server.instance]),
                (#"{"actual_status": {"eq": "running"}}"#, [server.instance]),
                (#"{"actual_status": {"in": ["exited", null]}}"#, ids),
                (#"{"verification": {"eq": "verified"}}"#, [server.instance] + ids),
                (#"{"verification": {"eq": "unverified"}}"#, []),
                (#"{"actual_status": {"eq": "running"}, "gpu_name": {"eq": "A100"}}"#, []),
            ] {
                let page = try await Self.page(server, client, ["select_filters": filter])
                    .decoded(InstancePageReply.self)
                #expect(Self.ids(page) == expected, "\(filter)")
            }
            let reply = try await client.send(
                .get, "/api/v0/instances/filters/", key: server.key)
            let filters = try reply.decoded(JSONValue.self).object?["filters"]?.array ?? []
            #expect(
                Set(filters) == [
                    .object([
                        "actual_status": .null, "gpu_name": .string("A100"),
                        "verification": .string("verified"),
                    ]),
                    .object([
                        "actual_status": .string("running"), "gpu_name": .null,
                        "verification": .string("verified"),
                    ]),
                ])
            #expect(filters.count == 2)
        }
    }

    @Test func `an operator that is none is 400, also where there is no row`() async throws {
        try await TestServer.with { server, client in
            try await server.agent.report([])
            let reply = try await Self.page(
                server, client, ["select_filters": #"{"id": {"like": 1}}"#])
            #expect(reply.status == .badRequest)
            #expect(try reply.decoded(ErrorReply.self).msg == "Unknown operator like.")
        }
    }

    @Test func `an instance with GPUs has their columns as numbers`() async throws {
        try await Self.withLabels([nil], gpuCount: 2) { server, client, ids in
            let reply = try await client.send(.get, APIPath.instance(ids[0]), key: server.key)
            let row = try #require(try reply.decoded(InstanceReply.self).instances)
            #expect(row["num_gpus"] == .int(2))
            #expect(row["gpu_name"] == .string("A100"))
            #expect(row["gpu_ram"]?.number == 40_960 && row["gpu_totalram"]?.number == 81_920)
            #expect(row["gpu_frac"]?.number == 1)
            for name in [
                "gpu_util", "cpu_cores_effective", "cpu_ram", "disk_space", "dph_total", "inet_up",
                "inet_down", "reliability2", "uptime_mins", "start_date", "disk_util",
            ] {
                let value = try #require(row[name])
                #expect(value.number != nil && value.string == nil, "\(name)")
            }
            // Not known yet; there are none.
            #expect(row["disk_usage"]?.number == -1)
            #expect(row["volume_info"] == .array([]))
        }
    }

    /// Clients add one to `ssh_port` of what they take for a jupyter instance and has no mapping of 22/tcp.
    @Test func `a jupyter instance has a port of SSH only beside its mapping`() async throws {
        try await LifecycleRouteTests.withMachine { server, client, orders in
            let offer = try #require(
                try await LifecycleRouteTests.offers(client).first?["id"]?.number)
            let made = try await client.send(
                .put, APIPath.ask(Int64(offer)), key: server.key,
                json: #"{"image": "a", "runtype": "jupyter_direc ssh_direc ssh_proxy"}"#
            ).decoded(CreateInstanceReply.self)
            guard case .wantInstance(let order) = await orders.order(0) else {
                Issue.record("another order")
                return
            }
            func row() async throws -> [String: JSONValue] {
                let reply = try await client.send(
                    .get, APIPath.instance(made.newContract), key: server.key)
                return try #require(try reply.decoded(InstanceReply.self).instances)
            }
            let before = try await row()
            #expect(before["image_runtype"] == .string("jupyter_direc ssh_direc ssh_proxy"))
            #expect(before["ports"] == .object([:]))
            #expect(before["ssh_port"] == .null && before["ssh_host"] == .null)
            var report = InstanceReport.sample("c9", owner: "maria")
            report.instanceID = order.instanceID
            report.generation = order.generation
            report.ports = [
                .init(port: "22/tcp", hostAddress: "0.0.0.0", hostPort: 40_022)
            ]
            try await server.agent.tell(.instanceChanged(report))
            let after = try await row()
            #expect(after["ssh_port"] == .int(40_022))
            #expect(
                after["ports"]?.object?["22/tcp"]
                    == .array([
                        .object(["HostIp": .string("0.0.0.0"), "HostPort": .string("40022")])
                    ]))
            #expect(after["public_ipaddr"] == .string("192.0.2.1"))
        }
    }
}
