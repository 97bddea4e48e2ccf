import ControlPlane
import Foundation
import Testing

/// Permission files that are refused, each with what is known.
@Suite struct PermissionFileTests {
    @Test(arguments: [
        ("[]", "Permissions are a JSON object."),
        ("{}", "Permissions have the key api, with the categories that are granted."),
        (
            #"{"writes": false}"#,
            "Permissions have the key api, with the categories that are granted."
        ),
        (#"{"api": {}}"#, "api names no permission category."),
        (#"{"api": []}"#, "api has a value of the wrong kind."),
        (
            #"{"api": {"instance_read": true}}"#,
            "api → instance_read has a value of the wrong kind."
        ),
        (#"{"read": true, "write": false}"#, "There is no key of permissions"),
        (
            #"{"api": {"instance_raed": {}}}"#,
            "There is no permission category “instance_raed”; known: billing_read, billing_write, instance_read, "
        ),
        (
            #"{"api": {"team_read": {"api.instance.show": {}}}}"#,
            "There is no route in team_read “api.instance.show”; known: api.team_members.show, api.team_roles.show."
        ),
        (
            #"{"api": {"team_write": {"*": {}}}}"#,
            "There is no route in team_write “*”; known: none."
        ),
        (
            #"{"api": {"instance_read": {"constraints": {"id": {"eq": 1}}}}}"#,
            "There is no route in instance_read “constraints”"
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"params": {}}}}}"#,
            "There is no key of a route “params”; known: constraints."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {}}}}}"#,
            "constraints names no parameter; known: id."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {"label": {"eq": 1}}}}}}"#,
            "There is no constrained parameter “label”; known: id."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {}}}}}}"#,
            "A constraint on id has at least one of eq, gte and lte."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"in": [1]}}}}}}"#,
            "There is no constraint operator “in”; known: eq, gte, lte."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"eq": "7"}}}}}}"#,
            "An id is compared with a whole number or with \"$name\"."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.show": {"constraints": {"id": {"eq": 7.5}}}}}}"#,
            "An id is compared with a whole number or with \"$name\"."
        ),
        (
            #"{"api": {"instance_read": {"api.instances.show": {"constraints": {"id": {"eq": 7}}}}}}"#,
            "api.instances.show has no id that can be constrained."
        ),
        (
            #"{"api": {"instance_read": {"api.instance.command": {}}}}"#,
            "api.instance.command is in instance_read for keys with \"writes\": false alone."
        ),
        (#"{"api": {"misc": {}}, "commands": []}"#, "commands has 1 to 64 names."),
        (#"{"api": {"misc": {}}, "commands": ["Vast"]}"#, "“Vast” is no policy (vast)"),
        (#"{"api": {"misc": {}}, "commands": ["vast/"]}"#, "“vast/” is no policy (vast)"),
        (#"{"api": {"misc": {}}, "commands": ["a/b/c"]}"#, "“a/b/c” is no policy (vast)"),
        (
            #"{"api": {"misc": {}}, "commands": ["vast", 1]}"#,
            "commands → 1 has a value of the wrong kind."
        ),
        (#"{"api": {"misc": {}}, "paths": []}"#, "paths has 1 to 64 paths."),
        (#"{"api": {"misc": {}}, "paths": ["workspace"]}"#, "“workspace” is no absolute path"),
        (#"{"api": {"misc": {}}, "paths": ["/a/../b"]}"#, "“/a/../b” is no absolute path"),
        (#"{"api": {"misc": {}}, "paths": ["/a\u0000"]}"#, "is no absolute path"),
        (#"{"api": {"misc": {}}, "writes": 0}"#, "writes has a value of the wrong kind."),
        (
            #"{"api": {"misc": {}}, "deletion_budget": {}}"#,
            "deletion_budget has entries, bytes or both"
        ),
        (
            #"{"api": {"misc": {}}, "deletion_budget": {"entries": -1}}"#,
            "deletion_budget has entries, bytes or both"
        ),
        (
            #"{"api": {"misc": {}}, "deletion_budget": {"files": 1}}"#,
            "There is no key of deletion_budget “files”; known: bytes, entries."
        ),
        (
            #"{"api": {"misc": {}}, "expires_days": 0}"#,
            "expires_days is a whole number from 1 to 3650."
        ),
    ])
    func `what is not known is refused, with what is`(json: String, message: String) throws {
        let error = try #require(throws: InvalidPermissions.self) {
            try PermissionFile(json: json.utf8, parameters: [:])
        }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func `upstream's examples are read`() throws {
        let wide = try PermissionFile(
            json: """
                {"api": {"misc": {}, "user_read": {}, "instance_read": {}, "instance_write": {},
                    "billing_read": {}, "billing_write": {}}}
                """.utf8, parameters: [:])
        #expect(wide.scope.permissions?.grants.count == 6)
        #expect(wide.scope.writes)
        let narrow = try PermissionFile(
            json: """
                {"api": {"instance_read": {"api.instance.request_logs": {"constraints":
                    {"id": {"lte": 2, "gte": 1}}}}}}
                """.utf8, parameters: [:])
        #expect(
            narrow.scope.permissions?.grants[.instanceRead]
                == .routes([
                    "api.instance.request_logs": IDConstraint([.lte: .id(2), .gte: .id(1)])
                ]))
    }

    @Test func `Boathook's own keys stand beside api`() throws {
        let file = try PermissionFile(
            json: """
                {"api": {"instance_write": {}}, "commands": ["vast", "inspect/cat"],
                 "paths": ["/", "//workspace/./data/"], "writes": true,
                 "deletion_budget": {"entries": 10}, "expires_days": 7}
                """.utf8, parameters: [:])
        #expect(file.expiresDays == 7)
        #expect(
            file.scope
                == KeyScope(
                    permissions: KeyPermissions(.instanceWrite), commands: ["vast", "inspect/cat"],
                    paths: ["/", "/workspace/data"], deletionBudget: DeletionBudget(entries: 10)))
    }

    @Test func `a scope is read back as it was written`() throws {
        let scopes = [
            KeyScope.everything, .agent,
            KeyScope(
                permissions: KeyPermissions([
                    .misc: .whole,
                    .instanceRead: .routes([
                        "api.instance.show": IDConstraint([.eq: .id(7), .lte: .id(9)]),
                        "api.instances.show": IDConstraint(),
                    ]),
                ]), commands: ["vast/ls"], paths: ["/workspace"], writes: false,
                deletionBudget: DeletionBudget(bytes: 5)),
        ]
        for scope in scopes {
            let json = try JSONEncoder().encode(scope)
            #expect(try JSONDecoder().decode(KeyScope.self, from: json) == scope)
        }
        #expect(try JSONEncoder().encode(KeyScope.everything) == Data("{}".utf8))
    }

    @Test func `a scope in the store that is not understood is an error`() {
        #expect(throws: (any Error).self) {
            try JSONDecoder().decode(KeyScope.self, from: Data(#"{"hosts": ["a"]}"#.utf8))
        }
    }

    @Test func `wildcards are filled from key_params, all of them`() throws {
        let json = """
            {"api": {"instance_read": {"api.instance.show":
                {"constraints": {"id": {"gte": "$first", "lte": "$last"}}}}}}
            """
        let filled = try PermissionFile(json: json.utf8, parameters: ["first": 3, "last": 5])
        #expect(
            filled.scope.permissions?.grants[.instanceRead]
                == .routes(["api.instance.show": IDConstraint([.gte: .id(3), .lte: .id(5)])]))
        let missing = try #require(throws: InvalidPermissions.self) {
            try PermissionFile(json: json.utf8, parameters: ["first": 3])
        }
        #expect(missing.description == "key_params has no last, and $last asks for it.")
        let unused = try #require(throws: InvalidPermissions.self) {
            try PermissionFile(
                json: json.utf8, parameters: ["first": 3, "last": 5, "ip_whitelist": 1])
        }
        #expect(
            unused.description == "key_params has ip_whitelist, and no $ip_whitelist asks for it.")
    }

    @Test func `a wildcard that nobody filled admits nothing`() {
        #expect(IDConstraint([.eq: .parameter("id")]).range == nil)
    }
}
