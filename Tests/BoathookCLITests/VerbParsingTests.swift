import ArgumentParser
import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct VerbParsingTests {
    private func parsed<Verb>(_ words: [String], as verb: Verb.Type = Verb.self) throws -> Verb {
        try #require(try Root.parseAsRoot(words) as? Verb)
    }

    private func body(_ words: [String]) throws -> [String: JSONValue] {
        try parsed(["create", "instance", "3"] + words, as: CreateInstanceVerb.self).create.body()
    }

    @Test func `a create says no more than it was told`() throws {
        let body = try body(["--image", "debian:12"])
        #expect(
            body == [
                "client_id": .string("me"), "image": .string("debian:12"), "disk": .double(10),
                "env": .object([:]), "runtype": .string("ssh"), "cancel_unavail": .bool(false),
            ])
    }

    @Test(
        arguments: [
            (["--env", "A=1", "--env", "B=two words"], ["A": "1", "B": "two words"]),
            (["--env", "A=b=c", "--env", "E="], ["A": "b=c", "E": ""]),
            (
                [
                    "--env",
                    "-e A=1 -e 'B=two words' -p 8080:8080 -p 5000:5000/udp -h box -v data:/data",
                ],
                [
                    "A": "1", "B": "two words", "-p 8080:8080/tcp": "1", "-p 5000:5000/udp": "1",
                    "-h": "box",
                    "-v data:/data": "1",
                ]
            ),
            (
                [
                    "--port", "8080", "--port", "53/udp", "--port", "1:22", "--volume", "d:/d",
                    "--hostname", "box",
                ],
                [
                    "-p 8080:8080": "1", "-p 53:53/udp": "1", "-p 1:22": "1", "-v d:/d": "1",
                    "-h": "box",
                ]
            ),
        ] as [([String], [String: String])])
    func `both spellings of the environment`(words: [String], env: [String: String]) throws {
        #expect(try body(["-i", "x"] + words)["env"] == .object(env.mapValues { .string($0) }))
    }

    @Test func `arguments are the rest of the line`() throws {
        let body = try body(["-i", "x", "--stopped", "--args", "sleep", "--image", "-1", "--wait"])
        #expect(
            body["args"]
                == .array([.string("sleep"), .string("--image"), .string("-1"), .string("--wait")]))
        #expect(body["runtype"] == .string("args"))
        #expect(body["target_state"] == .string("stopped"))
    }

    @Test(arguments: [
        ([], "ssh"), (["--ssh"], "ssh_proxy"), (["--ssh", "--direct"], "ssh_direc ssh_proxy"),
        (["--direct"], "ssh"),
    ])
    func `upstream's words for the ways in`(words: [String], runtype: String) throws {
        #expect(try body(["-i", "x"] + words)["runtype"] == .string(runtype))
    }

    @Test func `an entry point is told as upstream tells it`() throws {
        let body = try body(["-i", "x", "--entrypoint", "bash", "--args", "-c", "true"])
        #expect(body["onstart"] == .string("bash"))
        #expect(body["args"] == .array([.string("-c"), .string("true")]))
    }

    @Test func `a launch looks for room for its disk`() throws {
        let verb: LaunchInstanceVerb = try parsed([
            "launch", "instance", "--gpus", "2", "-g", "RTX_4090", "-i", "x", "-d", "40", "dph<1",
        ])
        let query = try verb.query()
        #expect(query["num_gpus"] == .object(["eq": .string("2")]))
        #expect(query["gpu_name"] == .object(["eq": .string("RTX 4090")]))
        #expect(query["dph_total"] == .object(["lt": .string("1")]))
        #expect(query["disk_space"] == .object(["gte": .double(40)]))
        #expect(query["rentable"] == .object(["eq": .bool(true)]))
        let other: LaunchInstanceVerb = try parsed([
            "launch", "instance", "--cpu", "-i", "x", "disk_space>=100",
        ])
        #expect(try other.query()["num_gpus"] == .object(["eq": .string("0")]))
        #expect(try other.query()["disk_space"] == .object(["gte": .string("100")]))
    }

    @Test(arguments: [
        ["create", "instance", "3"], ["create", "instance", "x", "-i", "x"],
        ["create", "instance", "3", "-i", "x", "--env", "A"],
        ["create", "instance", "3", "-i", "x", "--env", "-v /etc:/etc"],
        ["create", "instance", "3", "-i", "x", "--volume", "../x:/x"],
        ["create", "instance", "3", "-i", "x", "--port", "70"] + ["--port", "http"],
        ["create", "instance", "3", "-i", "x", "--hostname", "two words"],
        ["create", "instance", "3", "-i", "x", "--onstart", "a", "--onstart-cmd", "b"],
        ["create", "instance", "3", "-i", "x", "--entrypoint", "bash"],
        ["create", "instance", "3", "-i", "x", "--wait", "--timeout", "0"],
        ["create", "instances", "-i", "x"], ["create", "instances", "3", "4"],
        ["create", "api-key", "--name", "x"], ["attach", "ssh", "7"], ["detach", "ssh", "7", "x"],
        ["copy", "7:/x"], ["copy", "local:", "7:/x"], ["show", "audit-logs", "--limit", "0"],
        ["launch", "instance", "-i", "x"],
        ["launch", "instance", "-i", "x", "--cpu", "--gpus", "1"],
        ["start", "instance"], ["label", "instance", "7"],
        ["execute", "7", "ls", "--detach", "--dry-run"],
        ["label", "instance", "7", "a", "--label", "b"],
        ["create", "schedule", "7", "ls"], ["create", "schedule", "7", "--daily"],
        ["create", "schedule", "7", "ls", "--reboot", "--daily"],
        ["create", "schedule", "7", "ls", "--hourly", "--hour", "3"],
        ["create", "schedule", "7", "ls", "--daily", "--day", "1"],
        ["create", "schedule", "7", "ls", "--daily", "--hour", "24"],
        ["create", "schedule", "7", "ls", "--daily", "--from", "tomorrow"], ["set", "env", "=1"],
    ])
    func `what makes no sense is refused before anybody is asked`(words: [String]) {
        #expect(throws: (any Error).self) { try Root.parseAsRoot(words) }
    }

    @Test(
        arguments: [
            (["start", "instances", "7", "8"], [7, 8]),
            (["start", "instance", "7", "--wait"], [7]),
        ] as [([String], [Int64])])
    func `several are one verb`(words: [String], ids: [Int64]) throws {
        #expect(try parsed(words, as: ChangeInstancesVerb<StartChange>.self).instanceIDs == ids)
    }

    @Test func `a template says what is not said`() throws {
        func body(_ words: String...) throws -> [String: JSONValue] {
            try parsed(["create", "instance", "3"] + words, as: CreateInstanceVerb.self).create
                .body()
        }
        for flag in ["--template", "--template_hash", "--template-hash"] {
            #expect(
                try body(flag, "00ff") == [
                    "client_id": .string("me"), "env": .object([:]),
                    "cancel_unavail": .bool(false), "template_hash_id": .string("00ff"),
                ])
        }
        let more = try body("--template", "00ff", "-i", "x", "-d", "9", "--args", "ls")
        #expect(more["image"] == .string("x") && more["disk"] == .double(9))
        #expect(more["runtype"] == .string("args"))
        let launch: LaunchInstanceVerb = try parsed([
            "launch", "instance", "--cpu", "--template", "00ff",
        ])
        #expect(try launch.query()["disk_space"] == nil)
    }

    @Test func `templates are kept, found and deleted`() throws {
        let kept: CreateTemplateVerb = try parsed([
            "create", "template", "-i", "debian:12", "--env", "-e A=1", "--login",
            "-u me -p secret", "--disk_space", "20",
        ])
        #expect(
            kept.body() == [
                "image": .string("debian:12"), "runtype": .string("ssh"), "private": .bool(true),
                "env": .string("-e A=1"), "image_login": .string("-u me -p secret"),
                "recommended_disk_space": .double(20),
            ])
        let found: SearchTemplatesVerb = try parsed(["search", "templates", "name=a_b"])
        #expect(
            try found.path()
                == "/api/v0/template/?select_filters=%7B%22name%22%3A%7B%22eq%22%3A%22a_b%22%7D%7D")
        for (word, field) in [
            ("7", "template_id"), ("12345678901234567890123456789012", "hash_id"),
        ] {
            let gone: DeleteTemplateVerb = try parsed(["delete", "template", word])
            #expect(gone.body().keys.sorted() == [field])
        }
        for words in [
            ["--env", "-v /etc:/x"], ["--public", "--login", "-u me -p x"], ["-d", "0"],
        ] {
            #expect(throws: (any Error).self) {
                try Root.parseAsRoot(["create", "template", "-i", "x"] + words)
            }
        }
    }

    @Test func `a schedule's times`() throws {
        let weekly: CreateScheduleVerb = try parsed([
            "create", "schedule", "7", "du -d1", "--weekly", "--day", "2", "--hour", "4",
            "--minute", "30",
            "--from", "2026-12-01T00:00:00Z", "--until", "2027-01-01T00:00:00Z",
        ])
        #expect(
            weekly.body(at: 0) == [
                "start_time": .double(1_796_083_200), "end_time": .double(1_798_761_600),
                "api_endpoint": .string("/api/v0/instances/command/7/"),
                "request_method": .string("PUT"),
                "request_body": .object(["command": .string("du -d1"), "instance_id": .int(7)]),
                "day_of_the_week": .int(2), "hour_of_the_day": .int(4), "min_of_the_hour": .int(30),
                "frequency": .string("WEEKLY"), "instance_id": .int(7),
            ])
        let hourly: CreateScheduleVerb = try parsed([
            "create", "scheduled-job", "7", "--reboot", "--hourly",
        ])
        let body = hourly.body(at: 1000)
        #expect(body["api_endpoint"] == .string("/api/v0/instances/reboot/7/"))
        #expect(body["hour_of_the_day"] == .null)
        #expect(body["start_time"] == .double(1000))
        #expect(body["end_time"] == .double(1000 + 604_800))
    }

    @Test func `a variable's value may hold anything`() throws {
        let verb: SetVariablesVerb = try parsed(["set", "env", "A=b=c", "B="])
        #expect(try verb.pairs().map { $0.0 } == ["A", "B"])
        #expect(try verb.pairs().map { $0.1 } == ["b=c", ""])
    }
}
