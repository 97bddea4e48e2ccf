import ArgumentParser
import Testing

@testable import BoathookCLI

@Suite struct VerbHelpTests {
    /// A verb that is carried out, by each of its names.
    private struct Verb {
        let type: any ParsableCommand.Type
        let path: String
    }

    private func verbs(
        below verb: any ParsableCommand.Type, _ path: [String] = []
    ) -> [Verb] {
        let parts = verb.configuration.subcommands
        if parts.isEmpty { return [Verb(type: verb, path: path.joined(separator: " "))] }
        return parts.flatMap { verbs(below: $0, path + [$0._commandName]) }
    }

    @Test func `help has examples of each verb`() {
        let verbs = verbs(below: Root.self).filter { !($0.type is any DaemonHelp.Type) }
        for (type, verbs) in Dictionary(grouping: verbs, by: { ObjectIdentifier($0.type) }) {
            let discussion = verbs[0].type.configuration.discussion + "\n"
            #expect(
                verbs.contains { verb in
                    ["boathook \(verb.path) ", "boathook \(verb.path)\n"].contains {
                        discussion.contains($0)
                    }
                }, "\(verbs.map(\.path)) \(type)")
        }
        #expect(verbs.count > 40)
    }

    /// What a verb prints when a server refuses it depends on that.
    @Test func `each verb that asks a server says whether it prints JSON`() {
        for verb in verbs(below: Root.self)
        where !(verb.type is any DaemonHelp.Type) && verb.path != "set api-key" {
            #expect(verb.type is any ClientVerb.Type, "\(verb.path)")
        }
    }

    @Test(
        arguments: [
            (["up", "--data-dir", "d"], ["up", "--data-dir", "d"]),
            (["help", "up"], ["up", "--help"]),
            (["help", "admin", "audit", "show"], ["admin", "audit", "show", "--help"]),
            (["policy", "--help"], ["policy", "--help"]), (["help"], nil), (["help", "show"], nil),
            (["show", "up"], nil), ([], nil),
        ] as [([String], [String]?)])
    func `help of what the machine's owner runs is the daemon's`(given: [String], words: [String]?)
    {
        #expect(DaemonProgram.words(of: given) == words)
    }

    @Test func `only a verb that asks shows --yes`() {
        #expect(!Root.helpMessage(for: ChangeInstancesVerb<StopChange>.self).contains("--yes"))
        #expect(Root.helpMessage(for: ChangeInstancesVerb<DestroyChange>.self).contains("--yes"))
        #expect((try? Root.parseAsRoot(["stop", "instance", "7", "-y"])) != nil)
    }
}
