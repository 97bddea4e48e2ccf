import ArgumentParser
import CommandPolicy
import ControlPlane
import FoundationEssentials
import Glibc
import LogLine
import SQLiteStore

/// `boathook admin audit`.
struct AuditVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check and show the log of what was done and tried.",
        subcommands: [VerifyAuditVerb.self, ShowAuditVerb.self])
}

struct VerifyAuditVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that no entry of the audit log was changed, removed or put in.",
        discussion: """
            Prints the number of entries and the log's head, SEQUENCE:HASH. Keep a head elsewhere, and give it \
            to --head later: without one, nobody can see that the end was cut off, or that everything was \
            written anew. Ends with 1 at the first entry that is not as it was.
            """)

    @OptionGroup var admin: AdminOptions

    @Option(
        help: ArgumentHelp("A head that was written down before.", valueName: "seq:hash"),
        transform: { text in
            guard let head = AuditHead(text) else {
                throw ValidationError("a head is SEQUENCE:HASH, with 64 hexadecimal digits")
            }
            return head
        })
    var head: AuditHead?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        let store = try admin.store()
        do {
            let end = try await store.verifyAudit(witness: head, progress: Self.tell)
            try write(
                Report(intact: true, entries: end.sequence, head: "\(end)"),
                "\(end.sequence) entries, chain intact, head \(end)")
        } catch let found as AuditBreak {
            try write(
                Report(intact: false, brokenAt: found.sequence, reason: "\(found)"),
                "broken at entry \(found.sequence): \(found)")
            throw ExitCode(1)
        }
    }

    private func write(_ report: Report, _ text: String) throws {
        print(json ? try AuditJSON.text(report) : text)
    }

    /// Walks of more than some seconds say how far they are.
    private static func tell(count: Int64) {
        guard count.isMultiple(of: 100_000) else { return }
        let bytes = Array("\(count) entries are intact\n".utf8)
        _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
    }

    private struct Report: Encodable {
        var intact: Bool
        var entries: Int64?
        var head: String?
        var brokenAt: Int64?
        var reason: String?

        enum CodingKeys: String, CodingKey {
            case intact, entries, head, reason
            case brokenAt = "broken_at"
        }
    }
}

struct ShowAuditVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Print entries of the audit log, one a line.",
        discussion: "Without --after, the newest ones. What it shows is not checked; see 'verify'.")

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("Begin behind this entry.", valueName: "seq"))
    var after: Int64?

    @Option(help: ArgumentHelp("How many at most.", valueName: "n"))
    var limit = 100

    @Flag(help: "Print JSON, one object a line.")
    var json = false

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit takes a number from 1 on") }
    }

    func run() async throws {
        let store = try admin.store()
        let end = try await store.auditHead()?.sequence ?? 0
        var last = after ?? max(0, end - Int64(limit))
        var left = limit
        while left > 0 {
            let page = try await store.auditEntries(after: last, limit: min(left, 500))
            for record in page { print(try line(record)) }
            guard let record = page.last else { return }
            last = record.sequence
            left -= page.count
        }
    }

    private func line(_ record: AuditRecord) throws -> String {
        guard json else { return record.line }
        let entry = record.entry
        return try AuditJSON.text(
            Row(
                sequence: record.sequence, hash: "\(record.hash)", entry: entry,
                body: entry == nil ? String(decoding: record.body, as: UTF8.self) : nil))
    }

    private struct Row: Encodable {
        var sequence: Int64
        var hash: String
        var entry: AuditEntry?
        /// Of an entry that this version does not know.
        var body: String?
    }
}

extension AuditRecord {
    /// The record for people: one line, whatever was sent.
    fileprivate var line: String {
        guard let entry else {
            return LogLine.text([
                ("sequence", "\(sequence)"), ("body", String(decoding: body, as: UTF8.self)),
            ])
        }
        let denial = entry.decision?.denial
        let pairs: [(key: String, value: String?)] = [
            ("sequence", "\(sequence)"), ("time", LogLine.time(entry.time)),
            ("event", entry.event.rawValue), ("account", entry.accountID.map(String.init)),
            ("key", entry.keyID.map(String.init)), ("instance", entry.instanceID.map(String.init)),
            ("command", entry.commandID.map(String.init)), ("text", entry.text),
            ("rule", entry.decision?.rule), ("code", denial?.code), ("reason", denial?.message),
            ("detail", entry.detail), ("route", entry.route), ("address", entry.address),
            (
                "arguments",
                entry.arguments.map { arguments in
                    arguments.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                        .joined(separator: " ")
                }
            ),
        ]
        return LogLine.text(
            pairs.compactMap { pair in pair.value.map { (key: pair.key, value: $0) } })
    }
}

private enum AuditJSON {
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }
}
