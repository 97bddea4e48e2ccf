import ControlPlane
import Testing

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
