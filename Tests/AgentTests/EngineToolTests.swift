import AgentLink
import CommandPolicy
import ContainerEngine
import Foundation
import Jail
import Logging
import NIOPosix
import PolicyDocuments
import Testing

@testable import Agent

/// What becomes of an engine's program when the engine does not do as it should.
@Suite(.timeLimit(.minutes(3))) struct EngineToolTests {
    @Test func `answers that are errors do not end the killing`() async throws {
        try await with(silentAnswers: 3) { stub, programs, folder in
            let run = try await Self.run(programs, folder)
            #expect(run.end.cause == .timedOut)
            #expect(run.end.isCollected && !run.isLost && run.notes.isEmpty)
            #expect(try await stub.waitForSignal() == SIGKILL)
            #expect(try Self.remembered(folder) == [])
        }
    }

    @Test func `a program whose end nobody saw is lost, and is killed once the engine answers`()
        async throws
    {
        try await with(silentAnswers: .max) { stub, programs, folder in
            let run = try await Self.run(programs, folder, patience: .zero)
            let report = Self.report(run)
            #expect(report.outcome == .lost && report.exitCode == nil && report.signal == nil)
            #expect(!report.complete)
            #expect(report.note == "its time was over, and its end is not known: 500: not now")
            #expect(stub.status == nil)
            #expect(try Self.remembered(folder).count == 1)
            stub.answer()
            await programs.endLeft()
            #expect(try await stub.waitForSignal() == SIGKILL)
            #expect(try Self.remembered(folder) == [])
        }
    }

    @Test func `a program whose output the engine breaks off is killed, and its report says why`()
        async throws
    {
        try await with(output: .brokenOff) { stub, programs, folder in
            let report = Self.report(try await Self.run(programs, folder, wallTime: .seconds(3600)))
            #expect(report.outcome == .signalled && report.signal == 9 && !report.complete)
            let note = try #require(report.note)
            #expect(note.hasPrefix("killed because the engine broke its output off: "), "\(note)")
            #expect(!note.contains("machine") && !note.contains("stuck"))
            #expect(try await stub.waitForSignal() == SIGKILL)
        }
    }

    @Test func `a program that had ended when its output broke off keeps its own end`() async throws
    {
        try await with(output: .brokenOffAtEnd) { _, programs, folder in
            let report = Self.report(try await Self.run(programs, folder, wallTime: .seconds(3600)))
            #expect(report.outcome == .exited && report.exitCode == 0 && !report.complete)
            let note = try #require(report.note)
            #expect(note.contains("the engine broke its output off"), "\(note)")
        }
    }

    @Test func `nothing is started when there is nowhere for its output`() async throws {
        try await with { stub, programs, folder in
            let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 0)
            let file = try spools.create(1)
            unlink(file.path)
            await #expect(throws: SpoolError.self) { try await Self.run(programs, into: file) }
            #expect(stub.requests == [])
        }
    }

    @Test func `what a former agent left running is ended before anything is started`() async throws
    {
        try await with { stub, _, folder in
            let left = EngineProgram(EngineStub.id)
            stub.startProgram()
            let former = stub.process
            try Data().write(to: URL(filePath: "\(folder)/programs/\(left.fileName)"))
            let programs = try Self.programs(stub, folder)
            await programs.endLeft()
            #expect(try await stub.waitForSignal() == SIGKILL)
            #expect(kill(former, 0) != 0 && errno == ESRCH)
            #expect(try Self.remembered(folder) == [])
        }
    }

    /// An engine that was restarted may say of a program that is long gone that it runs.
    @Test func `a process that began at another time is not killed`() async throws {
        try await with { stub, _, folder in
            stub.startProgram()
            let now = EngineProgram(EngineStub.id).askedAt
            let name = "\(EngineStub.id)-\(now + 3600)"
            try Data().write(to: URL(filePath: "\(folder)/programs/\(name)"))
            let programs = try Self.programs(stub, folder)
            await programs.endLeft()
            #expect(stub.requests.count == 1, "it was looked at")
            #expect(stub.status == nil)
            #expect(try Self.remembered(folder) == [], "and it is not the one")
        }
    }

    @Test func `long words of an engine are cut in a report`() {
        let long = String(repeating: "e\u{301}", count: 100_000)
        var report = CommandFinished(commandID: 1, outcome: .denied, note: long)
        #expect(report.note?.unicodeScalars.count == 1000)
        report.add(note: long)
        #expect(report.note?.unicodeScalars.count == 1000)
        #expect(report.note?.hasSuffix("…") == true)
        report.note = "short"
        #expect(report.withoutOutput(note: "more").note == "short; more")
    }

    // How it is done

    private func with(
        output: EngineStub.Output = .open, silentAnswers: Int = 0,
        _ body: (EngineStub, EnginePrograms, String) async throws -> Void
    ) async throws {
        try await withFolder { folder in
            let stub = try EngineStub(
                path: folder + "/socket", output: output, silentAnswers: silentAnswers)
            defer { stub.close() }
            try await body(stub, try Self.programs(stub, folder), folder)
        }
    }

    private static func programs(_ stub: EngineStub, _ folder: String) throws -> EnginePrograms {
        try EnginePrograms(
            folder: folder + "/programs",
            engine: DockerEngine(
                socketPath: stub.path, threads: .singleton, leastPatience: .seconds(600)),
            logger: Logger(label: "test"))
    }

    private static func run(
        _ programs: EnginePrograms, _ folder: String, wallTime: Duration = .milliseconds(100),
        patience: Duration = .seconds(600)
    ) async throws -> ToolRun {
        let spools = try SpoolFolder(path: folder + "/spool", reserveCount: 0)
        return try await run(
            programs, into: try spools.create(1), wallTime: wallTime, patience: patience)
    }

    @discardableResult
    private static func run(
        _ programs: EnginePrograms, into file: SpoolFile, wallTime: Duration = .milliseconds(100),
        patience: Duration = .seconds(600)
    ) async throws -> ToolRun {
        var tool = EngineTool(
            programs: programs, container: EngineStub.id, arguments: ["ps"], wallTime: wallTime,
            outputLimit: 1000)
        tool.patience = patience
        tool.grace = .seconds(600)
        return try await tool.run(
            into: file, live: LiveOutput(), keeps: false, cancellation: JailCancellation(),
            after: nil
        ) {}
    }

    private static func report(_ run: ToolRun) -> CommandFinished {
        var report = CommandFinished(commandID: 1, outcome: run.end.outcome)
        run.describe(in: &report, of: Policy.vast.decide(argv: ["ls"]))
        for note in run.notes { report.add(note: note) }
        if run.isCutShort { report.complete = false }
        return report
    }

    private static func remembered(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/programs")
    }
}
