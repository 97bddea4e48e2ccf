import ArgumentParser
import Testing
import VastAPI

@testable import BoathookCLI

@Suite struct UpdateVerbTests {
    private func body(_ words: [String]) throws -> [String: JSONValue] {
        let verb = try Root.parseAsRoot(["update", "instance", "7"] + words)
        return try #require(verb as? UpdateInstanceVerb).body()
    }

    @Test func `an update says no more than it was told`() throws {
        #expect(try body([]) == ["id": .int(7)])
    }

    @Test func `upstream's flags, and ours`() throws {
        let upstreams = try body([
            "--template_id", "3", "--template_hash_id", "00", "--image", "debian:13", "--args",
            "--save '60 1'", "--env", #"{"A": "1", "-p 8080:8080": "1"}"#, "--onstart", "echo hi",
        ])
        #expect(
            upstreams == [
                "id": .int(7), "template_id": .int(3), "template_hash_id": .string("00"),
                "image": .string("debian:13"), "args": .string("--save '60 1'"),
                "env": .object(["A": .string("1"), "-p 8080:8080": .string("1")]),
                "onstart": .string("echo hi"),
            ])
        let ours = try body([
            "--template", "00", "-i", "x", "--env", "A=b=c", "--env", "-e B=2 -p 53:53/udp -h box",
            "--onstart-cmd", "true", "--login", "-u me -p secret r",
        ])
        #expect(
            ours == [
                "id": .int(7), "template_hash_id": .string("00"), "image": .string("x"),
                "env": .object([
                    "A": .string("b=c"), "B": .string("2"), "-p 53:53/udp": .string("1"),
                    "-h box": .string("1"),
                ]),
                "onstart": .string("true"), "image_login": .string("-u me -p secret r"),
            ])
        #expect(try body(["--env", "{}"])["env"] == .object([:]), "no variables at all")
    }

    @Test(arguments: [
        ["--env", "A"], ["--env", "-v /etc:/etc"], ["--env", "{"],
        ["--env", #"{"-v /etc:/x": "1"}"#],
        ["--env", "--privileged x"], ["--wait", "--timeout", "0"], ["--template-id", "x"], ["8"],
    ])
    func `what means nothing is refused here`(words: [String]) {
        #expect(throws: (any Error).self) {
            try Root.parseAsRoot(["update", "instance", "7"] + words)
        }
    }
}
