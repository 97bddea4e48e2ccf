import ArgumentParser
import Testing

@testable import BoathookCLI

@Suite struct LeadingOptionsTests {
    @Test(
        arguments: [
            ("show instances --url u", "show instances --url u"),
            ("--url u show instances", "show instances --url u"),
            ("--url=u --raw show instances -q", "show instances --url=u --raw -q"),
            ("--api-key k execute 1 ls", "execute --api-key k 1 ls"),
            ("--json execute 1 -- ls -l", "execute --json 1 -- ls -l"),
            (
                "--raw create instance 3 -i x --args ls --raw",
                "create instance --raw 3 -i x --args ls --raw"
            ),
            ("--raw stop instances 1 2", "stop instances --raw 1 2"),
            // Values may look like verbs, and verbs like values.
            ("--url show show instances", "show instances --url show"),
            ("--api-key k set api-key show", "set api-key --api-key k show"),
            // Where no verb is carried out, they say nothing.
            ("--raw", ""), ("--raw --help", "--help"), ("--url u show", "show"),
            ("--raw help show", "help show"), ("--raw nonsense", "nonsense"),
            // What is none of them is left where it is.
            ("--url", "--url"),
            ("--nonsense --raw show instances", "--nonsense --raw show instances"),
            ("", ""),
        ] as [(String, String)])
    func `options in front of the verb go behind it`(given: String, moved: String) {
        func words(_ text: String) -> [String] { text.split(separator: " ").map(String.init) }
        #expect(LeadingOptions.moved(words(given)) == words(moved))
    }

    @Test func `they are read there`() throws {
        let words = LeadingOptions.moved(["--url", "u", "--api-key", "k", "--raw", "show", "user"])
        let verb = try #require(try Root.parseAsRoot(words) as? ShowUserVerb)
        #expect(verb.options.url == "u" && verb.options.apiKey == "k" && verb.options.json)
    }
}
