import Glibc
import Testing
import VastAPI

@Suite struct StrictJSONTests {
    @Test(arguments: [
        "{}", "[]", " {\"a\": [1, -0.5e+3, null, true, false, \"\\u00e9\\n\"]} \n", "\"x\"", "0",
        "{\"a\":{\"a\":1},\"b\":{\"a\":2}}",
        "{\"-v \\/a:\\/b\":\"1\",\"\\u00fc\\ud83d\\ude00\\n\":1}", "[[],[{}],{\"a\":[]}]", "-1",
    ])
    func `JSON that means one thing is taken`(text: String) {
        #expect(StrictJSON.isUnambiguous(text.utf8))
    }

    @Test(arguments: [
        "", " ", "{", "}", "{\"a\":1,}", "[1,]", "[1 2]", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
        "{\"a\":1,\"a\":2}", "{\"x\":{\"a\":1,\"a\":2}}", "{\"\\u0061\":1,\"a\":2}",
        "{\"\\/\":1,\"/\":2}",
        "{\"\\ud83d\\ude00\":1,\"\u{1F600}\":2}", "{\"\\ud83d\":1}", "{\"\\ude00\\ud83d\":1}",
        "{} {}", "{}x", "nul",
        "01", "+1", "1.", ".5", "1e", "\"a", "\"\n\"", "\"\\x\"", "\"\\u12\"", "'a'", "NaN", "[,]",
        "{,}", "]", "[}", "{]", "// x\n{}",
    ])
    func `JSON that is none, or that two readers read differently, is refused`(text: String) {
        #expect(!StrictJSON.isUnambiguous(text.utf8))
    }

    @Test func `names that a reader may take for one are one`() {
        // Found by a person who read the code for a fuzzer: decoding keeps one of the two.
        #expect(!StrictJSON.isUnambiguous("{\"\u{E9}\":1,\"e\u{301}\":2}".utf8))
    }

    @Test func `many names take a time in their number`() {
        func seconds(_ count: Int) -> Double {
            let body = "{" + (0..<count).map { "\"name\($0)\":1" }.joined(separator: ",") + "}"
            let bytes = Array(body.utf8)
            // The shortest of some: whatever else the machine does only adds.
            return (0..<5).map { _ in
                let started = threadSeconds()
                #expect(StrictJSON.isUnambiguous(bytes))
                return threadSeconds() - started
            }.min() ?? 0
        }
        // Of this thread's own work: what others do meanwhile is not counted.
        func threadSeconds() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        // Sixteen times the names; squared, it would be 256 times the time.
        #expect(seconds(16_000) < seconds(1000) * 80)
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
