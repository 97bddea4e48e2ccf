import Testing

@testable import Agent

@Suite struct LineFilterTests {
    private func passed(_ text: String, by filter: String, pieces size: Int) -> String {
        var filter = LineFilter(filter)
        var passed: [UInt8] = []
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: size) {
            passed += filter.passing(Array(bytes[start..<min(start + size, bytes.count)]))
        }
        return String(decoding: passed + filter.end(), as: UTF8.self)
    }

    @Test(arguments: [1, 2, 3, 7, 1000])
    func `lines with the text pass whole, in whatever pieces they come`(size: Int) {
        let text = "loss 1\nepoch\n\nthe loss\nlos\ns\nloss without an end"
        #expect(passed(text, by: "loss", pieces: size) == "loss 1\nthe loss\nloss without an end")
        #expect(passed(text, by: "nothing", pieces: size).isEmpty)
        #expect(passed("no end", by: "end", pieces: size) == "no end")
        #expect(passed("a.b\naxb\n", by: "a.b", pieces: size) == "a.b\n")
        #expect(passed("é\ne\u{301}\n", by: "é", pieces: size) == "é\n")
    }

    @Test(arguments: [1000, 65_536, 70_000, 1_000_000])
    func `of a long line, its first bytes decide`(size: Int) {
        let kept = LineFilter.keptByteCount
        let early =
            String(repeating: "x", count: kept - 4) + "text" + String(repeating: "y", count: 99)
        let late = String(repeating: "x", count: kept - 3) + "text"
        let lines = early + "\n" + late + "\n" + "text\n"
        #expect(passed(lines, by: "text", pieces: size) == early + "\ntext\n")
    }

    @Test func `a line keeps no more than its bound`() {
        var filter = LineFilter("needle")
        var count = 0
        for _ in 0..<100 {
            count += filter.passing([UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)).count
        }
        #expect(count == 0)
        #expect(filter.end().isEmpty)
        #expect(filter.passing(Array("needle\n".utf8)) == Array("needle\n".utf8))
    }
}
