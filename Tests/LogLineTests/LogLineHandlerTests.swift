import LogLine
import Logging
import Synchronization
import Testing

@Suite struct LogLineHandlerTests {
    @Test func `an event is one line: time, level, event, then the metadata by key`() {
        let lines = lines { logger in
            logger.info("link opened", metadata: ["b": "2", "a": "1 x", "c": ["1", "2"]])
        }
        #expect(
            lines == [
                "time=1970-01-01T00:00:01.500Z level=info event=\"link opened\" a=\"1 x\" b=2 "
                    + "c=\"[\\\"1\\\", \\\"2\\\"]\"\n"
            ])
    }

    @Test func `whatever is in message and metadata, the line is one`() throws {
        let attack = "\r\n\u{1b}[2Jtime=0 level=critical event=forged\u{2028}\u{85}\u{b}\u{c}\u{0}"
        let lines = lines { logger in
            var logger = logger
            logger[metadataKey: "own\n"] = "\(attack)"
            logger.error(
                "\(attack)",
                metadata: [
                    "time": "0", "level": "critical", "event": "\(attack)",
                    "error": .stringConvertible(Attack(description: attack)),
                    "nested": ["\(attack)": .array([.string(attack)])],
                ])
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line.hasPrefix("time=1970-01-01T00:00:01.500Z level=error event=\""))
        #expect(line.last == "\n")
        #expect(line.dropLast().unicodeScalars.allSatisfy { (0x20...0x7E).contains($0.value) })
        #expect(line.hasSuffix(" metadata.time=0\n"))
        #expect(line.contains(" metadata.level=critical "))
        #expect(line.contains(" metadata.event=\"\\r\\n\\u001b[2J"))
        #expect(line.contains(" own_="))
    }

    @Test func `a line is never longer than a pipe takes undivided`() throws {
        let long = String(repeating: "\u{1b}", count: 5000)
        let lines = lines { logger in
            var metadata: Logger.Metadata = ["zz": "last"]
            for index in 0..<20 { metadata["k\(index)"] = "\(long)" }
            logger.info("\(long)", metadata: metadata)
        }
        let line = try #require(lines.first)
        #expect(line.utf8.count <= LogLineHandler.maximumByteCount)
        #expect(line.utf8.count > LogLineHandler.maximumByteCount / 2)
        #expect(line.hasSuffix(" zz=last cut=true\n"), "short pairs stay")
    }

    @Test func `a secret is in no part of a line`() throws {
        let secret = "AbC-45678901234567890123456789_123456789012"
        let lines = lines { logger in
            logger.info("GET /?api_key=\(secret)", metadata: ["error": "Bearer \(secret)"])
        }
        let line = try #require(lines.first)
        #expect(!line.contains(secret))
        #expect(line.contains("error=\"Bearer [secret]\""))
    }

    @Test func `levels, and metadata that a provider gives`() throws {
        let lines = lines(level: .warning, provider: .init { ["request": "7", "a": "provided"] }) {
            logger in
            logger.info("no")
            logger.warning("yes", metadata: ["a": "explicit"])
        }
        #expect(
            lines == [
                "time=1970-01-01T00:00:01.500Z level=warning event=yes a=explicit request=7\n"
            ])
    }

    private struct Attack: CustomStringConvertible, Sendable {
        var description: String
    }

    private final class Written: Sendable {
        let lines = Mutex<[String]>([])
    }

    private func lines(
        level: Logger.Level = .trace, provider: Logger.MetadataProvider? = nil,
        _ body: (Logger) -> Void
    ) -> [String] {
        let written = Written()
        var logger = Logger(label: "test") { _ in
            var handler = LogLineHandler(now: { 1.5 }) { line in
                written.lines.withLock { $0.append(line) }
            }
            handler.metadataProvider = provider
            return handler
        }
        logger.logLevel = level
        body(logger)
        return written.lines.withLock { $0 }
    }
}
