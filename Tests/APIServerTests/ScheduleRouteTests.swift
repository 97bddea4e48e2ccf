import APIServer
import ControlPlane
import Foundation
import HTTPTypes
import HummingbirdTesting
import SQLiteStore
import Testing
import VastAPI

/// `/api/v0/commands/schedule_job/` as clients use it (contract 1.4).
@Suite struct ScheduleRouteTests {
    private static let now = WallTime.system.now()

    private func job(
        _ instance: Int64, _ more: String = "", frequency: String = "DAILY", day: String = "null",
        hour: String = "16", endpoint: String? = nil, body: String = #"{"command": "ls"}"#
    ) -> String {
        """
        {"start_time": \(Self.now - 60), "end_time": \(Self.now + 1_000_000),
         "api_endpoint": "\(endpoint ?? APIPath.execute(instance: instance))",
         "request_method": "PUT", "request_body": \(body), "day_of_the_week": \(day),
         "hour_of_the_day": \(hour), "frequency": "\(frequency)", "instance_id": \(instance)\(more)}
        """
    }

    private func post(
        _ server: TestServer, _ client: some TestClientProtocol, _ json: String, key: String? = nil
    ) async throws -> TestResponse {
        try await client.send(.post, APIPath.scheduledJobs, key: key ?? server.key, json: json)
    }

    private func list(
        _ server: TestServer, _ client: some TestClientProtocol, key: String? = nil
    ) async throws -> [ScheduledJobRow] {
        let response = try await client.send(.get, APIPath.scheduledJobs, key: key ?? server.key)
        #expect(response.status == .ok)
        // Bare: clients iterate over what they get.
        #expect(response.text.hasPrefix("["))
        return try response.decoded()
    }

    @Test func `a job is made, listed, changed in parts and deleted`() async throws {
        try await TestServer.with { server, client in
            #expect(try await list(server, client).isEmpty)
            let body = #"{"command": "ls", "instance_id": \#(server.instance)}"#
            let made = try await post(server, client, job(server.instance, body: body))
            #expect(made.status == .ok)
            let reply = try made.decoded(ScheduleJobReply.self)
            #expect(reply.success && !made.text.contains("error"))
            var row = try #require(try await list(server, client).first)
            #expect(row.id == reply.scheduledJobID && row.instanceID == server.instance)
            #expect(row.apiEndpoint == APIPath.execute(instance: server.instance))
            #expect(row.requestMethod == "PUT" && row.frequency == "DAILY")
            #expect(
                row.requestBody
                    == .object(["command": .string("ls"), "instance_id": .int(server.instance)]))
            #expect(row.dayOfTheWeek == nil && row.hourOfTheDay == 16)
            #expect(row.minuteOfTheHour == Int((Self.now - 60) / 60) % 60)
            #expect(row.startTime == Self.now - 60 && row.endTime == Self.now + 1_000_000)
            let path = APIPath.scheduledJob(row.id)
            let changed = try await client.send(
                .put, path, key: server.key,
                json: #"{"hour_of_the_day": 3, "request_body": {"argv": ["du", "-s", "a b"]}}"#)
            #expect(try changed.decoded(ScheduleJobReply.self).scheduledJobID == row.id)
            row = try #require(try await list(server, client).first)
            #expect(row.hourOfTheDay == 3 && row.frequency == "DAILY")
            #expect(
                row.requestBody.object?["argv"]
                    == .array([.string("du"), .string("-s"), .string("a b")]))
            // A frequency that is given anew comes with its own day and hour.
            let hourly = try await client.send(
                .put, path, key: server.key,
                json: #"{"frequency": "HOURLY", "min_of_the_hour": 7}"#)
            #expect(hourly.status == .ok)
            row = try #require(try await list(server, client).first)
            #expect(row.hourOfTheDay == nil && row.minuteOfTheHour == 7)
            let weekly = try await client.send(
                .put, path, key: server.key, json: #"{"frequency": "WEEKLY"}"#)
            #expect(weekly.status == .badRequest)
            let deleted = try await client.send(.delete, path, key: server.key, json: "{}")
            #expect(deleted.status == .ok && deleted.text.hasPrefix("{"))
            #expect(try await list(server, client).isEmpty)
            for method in [HTTPRequest.Method.put, .delete] {
                let absent = try await client.send(method, path, key: server.key, json: "{}")
                #expect(absent.status == .notFound)
                #expect(try absent.decoded(ErrorReply.self).error == "not_found")
            }
        }
    }

    @Test func `the same job twice is 422 with the first one's id`() async throws {
        try await TestServer.with { server, client in
            let first = try await post(server, client, job(server.instance))
                .decoded(ScheduleJobReply.self)
            let again = try await post(server, client, job(server.instance, hour: "5"))
            #expect(again.status == .unprocessableContent)
            let reply = try again.decoded(ScheduleJobReply.self)
            #expect(!reply.success && reply.error == "job_exists" && !reply.msg.isEmpty)
            #expect(reply.scheduledJobID == first.scheduledJobID)
            // Another command, frequency or instance is another job.
            let other = try await post(
                server, client, job(server.instance, body: #"{"command": "ls -l"}"#))
            #expect(other.status == .ok)
            let hourly = job(server.instance, frequency: "HOURLY", hour: "null")
            #expect(try await post(server, client, hourly).status == .ok)
            let second = try other.decoded(ScheduleJobReply.self).scheduledJobID
            let into = try await client.send(
                .put, APIPath.scheduledJob(second), key: server.key, json: job(server.instance))
            #expect(into.status == .unprocessableContent)
            #expect(
                try into.decoded(ScheduleJobReply.self).scheduledJobID == first.scheduledJobID)
        }
    }

    @Test(arguments: [
        ("HOURLY", "null", "3"), ("HOURLY", "0", "null"), ("DAILY", "0", "0"),
        ("DAILY", "null", "24"), ("DAILY", "null", "-1"), ("DAILY", "null", #""3""#),
        ("WEEKLY", "null", "0"), ("WEEKLY", "7", "0"), ("WEEKLY", "0", "null"),
        ("MONTHLY", "null", "0"), ("daily", "null", "0"),
    ])
    func `times that do not go together are 400`(frequency: String, day: String, hour: String)
        async throws
    {
        try await TestServer.with { server, client in
            let response = try await post(
                server, client, job(server.instance, frequency: frequency, day: day, hour: hour))
            #expect(response.status == .badRequest, "\(response.text)")
            #expect(try response.decoded(ErrorReply.self).error == "invalid_args")
        }
    }

    @Test(arguments: [
        ("/api/v0/instances/bid_price/ID/", 501), ("/api/v0/commands/rclone/", 501),
        ("/api/v0/instances/ID/", 400), ("/api/v0/instances/destroy/ID/", 400),
        ("/api/v0/auth/apikeys/", 400), ("/api/v1/instances/command/ID/", 400),
        ("/api/v0/instances/command/ID/x/", 400), ("/api/v0/instances/command/0ID/", 400),
        ("https://elsewhere.example/api/v0/instances/command/ID/", 400), ("", 400),
        ("/api/v0/instances/command/../../auth/apikeys/", 400),
        ("//api/v0//instances/command/ID", 200), ("/api/v0/instances/reboot/ID/", 200),
    ])
    func `a job reaches execute and reboot, and nothing else`(endpoint: String, status: Int)
        async throws
    {
        try await TestServer.with { server, client in
            let endpoint = endpoint.replacing("ID", with: "\(server.instance)")
            let response = try await post(
                server, client, job(server.instance, endpoint: endpoint))
            #expect(response.status.code == status, "\(response.text)")
            if status != 200 { #expect(try !response.decoded(ErrorReply.self).msg.isEmpty) }
        }
    }

    @Test(arguments: [
        #"{"command": "rm -rf /"}"#, #"{"command": "reboot"}"#, #"{"command": 5}"#, "{}", "null",
        #"{"command": "rm x", "dry_run": true}"#, #"{"command": "rm x", "plan": 1}"#,
        #"{"command": "ls", "instance_id": 987654321}"#, #"{"command": "ls", "timeout": 0}"#,
        #"{"command": "ls", "timeout": 1.5}"#,
    ])
    func `what execute would refuse at once is refused at once`(body: String) async throws {
        try await TestServer.with { server, client in
            let response = try await post(server, client, job(server.instance, body: body))
            #expect(response.status == .badRequest, "\(response.text)")
            #expect(try await list(server, client).isEmpty)
        }
    }

    @Test(arguments: [
        #", "start_time": 0, "end_time": 1"#, #", "end_time": null"#, #", "end_time": "soon""#,
        #", "start_time": 1e300"#, #", "min_of_the_hour": 60"#, #", "request_method": "DELETE""#,
        #", "instance_id": 987654321"#, #", "api_endpoint": 5"#,
    ])
    func `other values that are none are 400`(more: String) async throws {
        try await TestServer.with { server, client in
            // A name stands once in a body.
            let name = try #require(more.split(separator: "\"").dropFirst().first)
            var fields = try JSONDecoder().decode(
                [String: JSONValue].self, from: Data(job(server.instance).utf8))
            let changes = try JSONDecoder().decode(
                [String: JSONValue].self, from: Data("{\(more.dropFirst(2))}".utf8))
            fields.merge(changes) { $1 }
            let json = String(decoding: try JSONEncoder().encode(fields), as: UTF8.self)
            let response = try await post(server, client, json)
            #expect(response.status == .badRequest, "\(name): \(response.text)")
        }
    }

    @Test func `who may not do it at once may not schedule it`() async throws {
        try await TestServer.with { server, client in
            let bound = IDConstraint([.gte: .id(server.instance + 1)])
            for (scope, status) in [
                (KeyScope(permissions: KeyPermissions(.instanceRead)), 403),
                (
                    KeyScope(
                        permissions: KeyPermissions([
                            .instanceWrite: .routes(["api.scheduled_jobs.create": IDConstraint()])
                        ])), 403
                ),
                (
                    KeyScope(
                        permissions: KeyPermissions([
                            .instanceWrite: .routes([
                                "api.scheduled_jobs.create": IDConstraint(),
                                "api.instance.execute": bound,
                            ])
                        ])), 404
                ),
                (KeyScope(commands: ["vast/du"]), 400), (KeyScope(writes: false), 200),
            ] {
                let key = try await server.newKey(scope)
                let response = try await post(server, client, job(server.instance), key: key)
                #expect(response.status.code == status, "\(scope): \(response.text)")
            }
            let other = try await post(server, client, job(server.otherInstance))
            let absent = try await post(server, client, job(987_654_321))
            #expect(other.status == .notFound && other.text == absent.text)
            let reader = try await server.newKey(KeyScope(writes: false))
            let removal = job(server.instance, body: #"{"command": "rm x"}"#)
            #expect(try await post(server, client, removal, key: reader).status == .badRequest)
            let reboot = job(
                server.instance, endpoint: "/api/v0/instances/reboot/\(server.instance)/")
            let narrow = try await server.newKey(KeyScope(paths: ["/workspace"]))
            #expect(try await post(server, client, reboot, key: narrow).status == .forbidden)
        }
    }

    @Test func `jobs of others are absent; a bound key has its own alone`() async throws {
        try await TestServer.with { server, client in
            let made = try await post(server, client, job(server.instance))
                .decoded(ScheduleJobReply.self).scheduledJobID
            let bound = try await server.newKey(KeyScope(paths: ["/workspace"]))
            let own = try await post(
                server, client, job(server.instance, body: #"{"command": "ls workspace"}"#),
                key: bound
            ).decoded(ScheduleJobReply.self).scheduledJobID
            #expect(try await list(server, client).map(\.id) == [made, own])
            #expect(try await list(server, client, key: bound).map(\.id) == [own])
            #expect(try await list(server, client, key: server.otherKey).isEmpty)
            for key in [bound, server.otherKey] {
                for method in [HTTPRequest.Method.put, .delete] {
                    let hidden = try await client.send(
                        method, APIPath.scheduledJob(made), key: key, json: "{}")
                    let absent = try await client.send(
                        method, APIPath.scheduledJob(987_654_321), key: key, json: "{}")
                    #expect(hidden.status == .notFound && hidden.text == absent.text)
                }
            }
            #expect(try await list(server, client).count == 2)
        }
    }
}
