import Testing
import VastAPI

@Suite struct StrictJSONTests {
    @Test(arguments: [
        "{}", "[]", " {\"a\": [1, -0.5e+3, null, true, false, \"\\u00e9\\n\"]} \n", "\"x\"", "0",
        "{\"a\":{\"a\":1},\"b\":{\"a\":2}}", "[[],[{}],{\"a\":[]}]", "-1",
    ])
    func `JSON that means one thing is taken`(text: String) {
        #expect(StrictJSON.isUnambiguous(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "}", "{\"a\":1,}", "[1,]", "[1 2]", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}", "{\"x\":{\"a\":1,\"a\":2}}", "{\"\\u0061\":1}", "{} {}", "{}x", "nul",
        "01", "+1", "1.", ".5", "1e", "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"", "'a'", "NaN", "[,]",
        "{,}", "]", "[}", "{]", "// x\n{}",
    ])
    func `JSON that is none, or that two readers read differently, is refused`(text: String) {
        #expect(!StrictJSON.isUnambiguous(text.utf8))
    }

    @Test func `bytes that are no UTF-8 are refused`() {
        #expect(!StrictJSON.isUnambiguous([0x22, 0xff, 0x22]))
        #expect(!StrictJSON.isUnambiguous("{\"command\":\"ls\"}".utf16.flatMap { [UInt8($0), 0] }))
    }

    @Test func `nesting has a limit, and deep nesting does not crash`() {
        let deepest = StrictJSON.maximumDepth
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(StrictJSON.isUnambiguous(nested(deepest).utf8))
        #expect(!StrictJSON.isUnambiguous(nested(deepest + 1).utf8))
        #expect(!StrictJSON.isUnambiguous(nested(100_000).utf8))
    }
}
