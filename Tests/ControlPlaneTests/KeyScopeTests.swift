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

/// A key grants no more than it has itself.
@Suite struct GrantingTests {
    @Test(arguments: [
        (#"{"api": {"user_write": {}}}"#, #"{"api": {"user_write": {}}}"#, true),
        (#"{"api": {"user_write": {}}}"#, #"{"api": {"user_read": {}}}"#, false),
        (
            #"{"api": {"user_write": {}}}"#, #"{"api": {"user_write": {"api.apikey.delete": {}}}}"#,
            true
        ),
        // A whole category has the routes to come.
        (
            #"{"api": {"user_write": {"api.apikey.delete": {}, "api.apikeys.create": {}}}}"#,
            #"{"api": {"user_write": {}}}"#, false
        ),
        (
            #"{"api": {"instance_write": {}}}"#,
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 1}}}}}}"#,
            true
        ),
        (
            #"{"api": {"instance_write": {"api.instance.command": {"constraints": {"id": {"gte": 5}}}}}}"#,
            #"{"api": {"instance_write": {"api.instance.execute": {"constraints": {"id": {"eq": 5}}}}}}"#,
            true
        ),
        (
            #"{"api": {"instance_write": {"api.instance.command": {"constraints": {"id": {"gte": 5}}}}}}"#,
            #"{"api": {"instance_write": {"api.instance.command": {"constraints": {"id": {"eq": 4}}}}}}"#,
            false
        ),
        (
            #"{"api": {"instance_write": {"api.instance.command": {"constraints": {"id": {"gte": 5}}}}}}"#,
            #"{"api": {"instance_write": {"api.instance.command": {}}}}"#, false
        ),
        // Reading commands come with "writes": false; whoever runs none grants none.
        (
            #"{"api": {"instance_read": {}}}"#, #"{"api": {"instance_read": {}}, "writes": false}"#,
            false
        ),
        (
            #"{"api": {"instance_read": {}, "instance_write": {}}}"#,
            #"{"api": {"instance_read": {}}, "writes": false}"#, true
        ),
        (
            #"{"api": {"misc": {}}, "commands": ["vast"]}"#,
            #"{"api": {"misc": {}}, "commands": ["vast/ls", "vast"]}"#, true
        ),
        (
            #"{"api": {"misc": {}}, "commands": ["vast/ls"]}"#,
            #"{"api": {"misc": {}}, "commands": ["vast"]}"#, false
        ),
        (
            #"{"api": {"misc": {}}, "commands": ["vast"]}"#,
            #"{"api": {"misc": {}}, "commands": ["vast2/ls"]}"#, false
        ),
        (
            #"{"api": {"misc": {}}, "paths": ["/a", "/b"]}"#,
            #"{"api": {"misc": {}}, "paths": ["/b/c"]}"#, true
        ),
        (
            #"{"api": {"misc": {}}, "paths": ["/a"]}"#, #"{"api": {"misc": {}}, "paths": ["/ab"]}"#,
            false
        ),
        (
            #"{"api": {"misc": {}}, "paths": ["/a"]}"#, #"{"api": {"misc": {}}, "paths": ["/"]}"#,
            false
        ),
        (
            #"{"api": {"misc": {}}, "deletion_budget": {"entries": 9}}"#,
            #"{"api": {"misc": {}}, "deletion_budget": {"entries": 1}}"#, false
        ),
        (
            #"{"api": {"misc": {}}, "deletion_budget": {"entries": 9}}"#,
            #"{"api": {"misc": {}}, "writes": false}"#, true
        ),
        (
            #"{"api": {"misc": {}}}"#, #"{"api": {"misc": {}}, "deletion_budget": {"entries": 1}}"#,
            true
        ),
    ])
    func `what is wanted is granted if it is not more`(own: String, wanted: String, isGranted: Bool)
        throws
    {
        let own = try KeyScopeTests.scope(own)
        let wanted = try KeyScopeTests.scope(wanted)
        guard isGranted else {
            let error = try #require(throws: ControlPlaneError.self) { try own.granting(wanted) }
            #expect(error.code == .notAuthorized)
            return
        }
        #expect(try own.granting(wanted) == wanted)
        #expect(try KeyScope.everything.granting(wanted) == wanted)
    }

    @Test func `what is not asked for is inherited`() throws {
        let own = try KeyScopeTests.scope(
            #"{"api": {"misc": {}}, "commands": ["vast"], "paths": ["/a"], "writes": false}"#)
        let granted = try own.granting(KeyScopeTests.scope(#"{"api": {"misc": {}}}"#))
        #expect(granted == own)
        #expect(try own.granting(.everything) == own)
    }

    /// Every pair of them: what can be granted opens no route, and shows nothing, that its maker has not.
    @Test func `no key sees more through one that it makes`() throws {
        let one = #"{"constraints": {"id": {"eq": 7}}}"#
        let reads = #""api.commands.show": {}, "api.command.output": {}, "api.instances.show": {}"#
        let files = [
            #"{"api": {"instance_read": {}, "instance_write": {}, "user_read": {}}}"#,
            #"{"api": {"instance_read": {}}, "writes": false}"#,
            #"{"api": {"instance_read": {}}, "writes": false, "paths": ["/a"]}"#,
            #"{"api": {"instance_read": {}}}"#,
            #"{"api": {"instance_write": {}}}"#,
            #"{"api": {"instance_read": {\#(reads)}}}"#,
            #"{"api": {"instance_read": {\#(reads), "api.instance.show": \#(one)}}}"#,
            #"{"api": {"instance_read": {\#(reads)}, "instance_write": {"api.instance.execute": \#(one)}}}"#,
            #"{"api": {"user_read": {"api.apikeys.show": {}}}}"#,
            #"{"api": {"user_read": {"api.apikeys.show": {}, "api.apikey.show": \#(one)}}}"#,
            #"{"api": {"instance_read": {"api.commands.show": {}, "api.command.show": \#(one)}}}"#,
        ]
        var grantedCount = 0
        for own in try files.map(KeyScopeTests.scope) {
            for wanted in try files.map(KeyScopeTests.scope) {
                guard let made = try? own.granting(wanted) else { continue }
                grantedCount += 1
                #expect(made.seesOwnCommandsOnly || !own.seesOwnCommandsOnly, "\(own) \(made)")
                for id in Int64(6)...8 {
                    #expect(!made.lists(instance: id) || own.lists(instance: id), "\(own) \(made)")
                    #expect(!made.lists(key: id) || own.lists(key: id), "\(own) \(made)")
                    #expect(!made.lists(command: id) || own.lists(command: id), "\(own) \(made)")
                    for route in AccountRoute.all where made.answer(on: route, id: id) == .open {
                        #expect(own.answer(on: route, id: id) == .open, "\(own) \(made)")
                    }
                }
            }
        }
        #expect((files.count..<files.count * files.count).contains(grantedCount))
    }

    @Test func `a narrowed key has less than everything`() {
        #expect(KeyScope.agent.excess(of: .everything) != nil)
        #expect(KeyScope(commands: ["vast"]).excess(of: .everything) != nil)
        #expect(KeyScope(paths: ["/a"]).excess(of: .everything) != nil)
        #expect(KeyScope(writes: false).excess(of: .everything) != nil)
        #expect(KeyScope.everything.excess(of: .agent) == nil)
    }
}

extension KeyScopeTests {
    static func scope(_ file: String) throws -> KeyScope {
        try PermissionFile(json: file.utf8, parameters: [:]).scope
    }
}
