internal import AgentLink
internal import ContainerEngine
internal import FoundationEssentials
internal import Glibc
internal import Jail
internal import Logging

/// The programs that the engine runs in containers for this agent, remembered so that each of them ends.
///
/// The engine goes on with them when the agent dies, or when it did not answer as one had to be ended. So each has a
/// file, from before its start until its end is known. What has a file and belongs to no command is killed: before
/// anything else is started, and as soon as the engine answers.
///
/// The files are empty, since a full disk still takes names. None of them is flushed: a loss of power ends the programs.
actor EnginePrograms {
    nonisolated let engine: any ContainerEngine
    private nonisolated let folder: String
    private let logger: Logger
    /// Those that belong to no command.
    private var left: Set<EngineProgram>
    /// Tells that there is one.
    private let news: AsyncStream<Void>
    private let bell: AsyncStream<Void>.Continuation

    /// Takes up what a former process left.
    ///
    /// - Parameters:
    ///   - folder: Made if it is not there.
    ///   - engine: Runs the programs.
    ///   - logger: The process's.
    /// - Throws: When the folder cannot be made or read.
    init(folder: String, engine: any ContainerEngine, logger: Logger) throws {
        self.folder = folder
        self.engine = engine
        self.logger = logger
        (news, bell) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        left = Set(names.compactMap { EngineProgram(fileName: $0) })
        bell.yield()
    }

    /// Starts a program in a container, once nothing is left of others.
    ///
    /// - Parameters:
    ///   - arguments: The program's name and what it is given.
    ///   - container: Where.
    /// - Returns: The program, and what it writes.
    /// - Throws: ``CommandRefusal`` when it cannot be known whether it was started; else nothing was.
    nonisolated func start(
        _ arguments: [String], in container: Container.ID
    ) async throws -> (program: EngineProgram, output: EngineSpool.Pieces) {
        await endLeft()
        var made: EngineProgram?
        do {
            let output = try await engine.execute(arguments, in: container) { id in
                let program = EngineProgram(id)
                try remember(program)
                made = program
            }
            guard let made else {
                throw EngineError(.refused, "The engine gave the program no id.")
            }
            return (made, output)
        } catch {
            guard let made else { throw error }
            await leave(made)
            guard (error as? EngineError)?.code == .unreachable else { throw error }
            throw CommandRefusal(.lost, "the engine did not say whether it started the program")
        }
    }

    /// It has ended, or was killed.
    nonisolated func forget(_ program: EngineProgram) {
        unlink("\(folder)/\(program.fileName)")
    }

    /// Nobody waits for its end any more.
    func leave(_ program: EngineProgram) {
        left.insert(program)
        bell.yield()
    }

    /// Kills a program if it runs.
    ///
    /// - Parameters:
    ///   - program: What to kill.
    ///   - processID: As the engine has just said.
    /// - Returns: Whether that was done.
    /// - Throws: When the engine does not answer.
    nonisolated func kill(_ program: EngineProgram, _ processID: Int32) async throws -> Bool {
        // The number is its own as long as the engine says so after the handle was taken. An engine that was
        // restarted may take another process for it, which began at another time.
        guard let handle = ProcessHandle(processID), program.canHaveBegun(as: processID) == true,
            try await engine.state(ofProgram: program.id) == .running(processID: processID)
        else { return false }
        handle.kill()
        return true
    }

    /// Kills what is left, until the task is cancelled.
    func run() async {
        for await _ in news {
            await endLeft()
            while !left.isEmpty {
                do { try await Task.sleep(for: Self.pause) } catch { return }
                await endLeft()
            }
        }
    }

    /// Kills what is left, as far as the engine answers.
    func endLeft() async {
        for program in left {
            do {
                switch try await engine.state(ofProgram: program.id) {
                case .running(let processID) where program.canHaveBegun(as: processID) != false:
                    guard try await kill(program, processID) else { continue }
                    logger.info("a program that was left running in a container was ended")
                case .created:
                    // The engine may begin with it at any time, as long as it knows it.
                    continue
                case .running, .exited, nil:
                    break
                }
                left.remove(program)
                forget(program)
            } catch {
                logger.debug("a program was not ended yet", metadata: ["error": "\(error)"])
                // The others would wait for it in vain, too.
                if (error as? EngineError)?.code == .unreachable { return }
            }
        }
    }

    private nonisolated func remember(_ program: EngineProgram) throws(SpoolError) {
        let file = open(
            "\(folder)/\(program.fileName)", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw SpoolError("open", errno) }
        close(file)
    }

    private static let pause = Duration.seconds(1)
}
