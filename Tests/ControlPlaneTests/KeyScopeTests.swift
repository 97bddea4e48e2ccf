import CommandPolicy
import ControlPlane
import Testing

/// What a key may do, as a permission file says it.
@Suite struct KeyScopeTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var file: String
        var request: String
        var answer: String
        var testDescription: String { "\(request) by \(file)" }

        init(_ file: String, _ request: String, _ answer: String) {
            self.file = file
            self.request = request
            self.answer = answer
        }
    }

    private static let execute = "PUT /api/v0/instances/command/{id}"
    private static let show = "GET /api/v0/instances/{id}"
    private static let list = "GET /api/v0/instances"
    private static let bound = """
        {"api": {"instance_read": {"api.instance.show": {"constraints": {"id": BOUNDS}}}}}
        """

    static let cases: [Case] =
        [
            Case(#"{"api": {"instance_write": {}}}"#, "\(execute) 7", "open"),
            Case(#"{"api": {"instance_read": {}}}"#, "\(execute) 7", "lacks instance_write"),
            Case(#"{"api": {"instance_read": {}}, "writes": false}"#, "\(execute) 7", "open"),
            Case(
                #"{"api": {"user_read": {}}, "writes": false}"#, "\(execute) 7",
                "lacks instance_write"),
            Case(#"{"api": {"instance_read": {}}}"#, "\(show) 7", "open"),
            Case(#"{"api": {"instance_write": {}}}"#, "\(show) 7", "lacks instance_read"),
            Case(#"{"api": {"instance_read": {}}}"#, list, "open"),
            Case(#"{"api": {"misc": {}, "team_write": {}}}"#, list, "lacks instance_read"),
            Case(#"{"api": {"instance_read": {"api.instance.show": {}}}}"#, "\(show) 7", "open"),
            Case(
                #"{"api": {"instance_read": {"api.instance.show": {}}}}"#, list,
                "lacks api.instances.show in instance_read"),
            Case(
                #"{"api": {"instance_read": {"api.instance.request_logs": {}}}}"#, "\(show) 7",
                "lacks api.instance.show in instance_read"),
            Case(
                #"{"api": {"instance_read": {"api.instances.show": {}}}}"#,
                "GET /api/v1/instances", "open"),
            Case(
                #"{"api": {"instance_write": {"api.instance.execute": {}}}}"#, "\(execute) 7",
                "open"),
            Case(
                #"{"api": {"instance_write": {"api.instance.command": {}}}}"#,
                "DELETE /api/v0/commands/{id} 7", "lacks api.command.cancel in instance_write"),
            Case(
                #"{"api": {"instance_read": {"api.instance.command": {"constraints": {"id": {"eq": 7}}}}}, "writes": false}"#,
                "\(execute) 8", "absent"),
            // Either category may open it.
            Case(
                #"{"api": {"instance_write": {"api.instance.command": {"constraints": {"id": {"eq": 7}}}}, "instance_read": {}}, "writes": false}"#,
                "\(execute) 8", "open"),
        ]
        + [
            (#"{"eq": 7}"#, 7, true), (#"{"eq": 7}"#, 8, false), (#"{"gte": 7}"#, 6, false),
            (#"{"gte": 7}"#, 7, true), (#"{"lte": 7}"#, 7, true), (#"{"lte": 7}"#, 8, false),
            (#"{"gte": 5, "lte": 7}"#, 5, true), (#"{"gte": 5, "lte": 7}"#, 8, false),
            (#"{"gte": 5, "lte": 4}"#, 5, false), (#"{"gte": 5, "lte": 4}"#, 4, false),
            (#"{"eq": 7, "gte": 8}"#, 7, false), (#"{"eq": 7, "lte": 7}"#, 7, true),
        ].map { bounds, id, isOpen in
            Case(
                bound.replacing("BOUNDS", with: bounds), "\(show) \(id)",
                isOpen ? "open" : "absent")
        }

    @Test(arguments: cases)
    func `a request is answered by its route and id`(example: Case) throws {
        let words = example.request.split(separator: " ")
        let route = try #require(
            AccountRoute.route(method: String(words[0]), path: String(words[1])))
        let scope = try Self.scope(example.file)
        let answer = scope.answer(on: route, id: words.count > 2 ? Int64(words[2]) : nil)
        switch answer {
        case .open: #expect(example.answer == "open")
        case .absent: #expect(example.answer == "absent")
        case .closed(let reason):
            let names = reason.replacing("the ", with: "").replacing(" permission group", with: "")
            #expect(names == "Your key \(example.answer)")
        }
    }

    @Test func `an id that cannot be read is left to the route`() throws {
        let scope = try Self.scope(Self.bound.replacing("BOUNDS", with: #"{"eq": 7}"#))
        let route = try #require(
            AccountRoute.route(method: "GET", path: "/api/v0/instances/{id}"))
        #expect(scope.answer(on: route, id: nil) == .open)
    }

    @Test func `a key without a scope opens every route`() {
        for route in AccountRoute.all {
            #expect(KeyScope.everything.answer(on: route, id: 1) == .open)
        }
    }

    @Test func `an agent's key looks and runs what reads, and nothing else`() {
        let open = AccountRoute.all.filter { KeyScope.agent.answer(on: $0, id: 1) == .open }
        #expect(
            Set(open.map(\.category)) == [.instanceRead, .instanceWrite])
        #expect(
            open.filter { $0.category == .instanceWrite }.map(\.names) == [
                ["api.instance.command", "api.instance.execute"]
            ])
        #expect(!KeyScope.agent.writes)
        #expect(!KeyScope.agent.commandScope.writes)
    }

    @Test(arguments: [
        // Lists have what may be asked for by id: to look at it, or to run commands on it.
        (#"{"api": {"instance_read": {}}}"#, [6, 7, 8], false),
        (#"{"api": {"instance_read": {}}, "writes": false}"#, [6, 7, 8], false),
        (bound.replacing("BOUNDS", with: #"{"eq": 7}"#), [7], true),
        (bound.replacing("BOUNDS", with: #"{"gte": 7}"#), [7, 8], true),
        (bound.replacing("BOUNDS", with: #"{"gte": 8, "lte": 7}"#), [], true),
        (
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 7}}}}}}"#,
            [7], true
        ),
        (
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 7}}}}, "instance_read": {"api.instances.show": {}, "api.commands.show": {}}}}"#,
            [7], true
        ),
        (
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 7}}}}, "instance_read": {"api.instance.show": {"constraints": {"id": {"eq": 6}}}}}}"#,
            [6, 7], true
        ),
        (
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 7}}}}, "instance_read": {}}}"#,
            [6, 7, 8], false
        ),
        // Neither was given, so there is nothing to list.
        (
            #"{"api": {"instance_read": {"api.instances.show": {}, "api.command.output": {}}}}"#,
            [], true
        ),
        (#"{"api": {"user_read": {}, "user_write": {}}}"#, [], true),
        // The commands of others may have looked elsewhere.
        (#"{"api": {"instance_read": {}}, "paths": ["/workspace"]}"#, [6, 7, 8], true),
        (#"{"api": {"instance_read": {}}, "commands": ["vast/ls"]}"#, [6, 7, 8], true),
    ])
    func `lists show no more than requests by id, and commands no more than one's own would`(
        file: String, ids: [Int64], seesOwnCommandsOnly: Bool
    ) throws {
        let scope = try Self.scope(file)
        #expect([6, 7, 8].filter { scope.lists(instance: $0) } == ids)
        #expect(scope.seesOwnCommandsOnly == seesOwnCommandsOnly)
    }

    @Test func `names of routes stand for one category, ids and all`() {
        for route in AccountRoute.all {
            for category in route.categories(writes: false) {
                for name in route.names {
                    #expect(AccountRoute.names(in: category)[name] == route.hasID, "\(name)")
                }
            }
        }
    }
}

extension KeyScopeTests {
    static func scope(_ file: String) throws -> KeyScope {
        try PermissionFile(json: file.utf8, parameters: [:]).scope
    }
}
