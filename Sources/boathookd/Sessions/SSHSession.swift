import Agent
import Glibc

/// `boathookd ssh-session FILE`: what sshd runs, as root on this machine, for each login into an instance.
///
/// The client chooses the bytes of the command, of its input, and of a few variables; all of them go to the engine
/// as data, for a program in the container. Nothing of the machine's is run with them.
enum SSHSession {
    static let verb = "ssh-session"

    /// Runs the session and ends the process, if this is what was asked for.
    ///
    /// Called before anything else, since a login waits for it.
    static func runIfAsked() {
        let words = CommandLine.arguments
        guard words.count == 3, words[1] == verb else { return }
        do throws(SessionError) {
            exit(try run(doorFile: words[2]))
        } catch {
            let line = Array("boathook: \(error)\n".utf8)
            _ = write(STDERR_FILENO, line, line.count)
            exit(error.status)
        }
    }

    private static func run(doorFile: String) throws(SessionError) -> Int32 {
        let signals = try SessionSignals()
        guard let door = try? SSHDoorFile(path: doorFile) else {
            throw SessionError("this instance cannot be logged into any more")
        }
        let agentPipe = try pipe(of: door)
        let terminal = SessionTerminal()
        let execution = try SessionExecution(
            try arguments(
                SessionScripts(door: door, agentPipe: agentPipe, signals: signals), terminal),
            environment: environment(terminal != nil), in: door,
            hasTerminal: terminal != nil)

        terminal?.makeRaw()
        var streams = SessionStreams(
            execution, terminal: terminal, agentPipe: agentPipe, signals: signals)
        let end = streams.run()
        terminal?.restore()
        switch end {
        case .program:
            return try execution.endStatus()
        case .client:
            execution.end()
            throw SessionError.clientIsGone
        case .agent:
            execution.end()
            throw SessionError.agentHasEnded
        }
    }

    private static func arguments(
        _ scripts: SessionScripts, _ terminal: SessionTerminal?
    ) throws(SessionError) -> [String] {
        let asked = variable("SSH_ORIGINAL_COMMAND")
        // sshd's word for whom it let in; a client has no way to send another one (AcceptEnv).
        if variable("LOGNAME")?.elementsEqual(SSHSettings.copyUser.utf8) ?? false {
            guard terminal == nil, SessionCopyServer.isAsked(asked) else {
                throw SessionError(
                    "\(SSHSettings.copyUser) is for 'vastai copy' alone; log in as root", status: 1)
            }
            return try SessionCopyServer(scripts: scripts).arguments()
        }
        if let asked, asked.elementsEqual(SSHSettings.fileTransferWord.utf8) {
            return try SessionFileServer(scripts: scripts).arguments()
        }
        return SessionProgram(asked: asked).arguments(size: terminal?.size)
    }

    /// The reading end, while the agent lives.
    private static func pipe(of door: SSHDoorFile) throws(SessionError) -> CInt {
        let descriptor = open(door.agentPipe, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        var byte: UInt8 = 0
        // Without a writer there is the end, with one there is nothing yet (fifo(7)).
        guard descriptor >= 0, read(descriptor, &byte, 1) < 0, errno == EAGAIN else {
            throw SessionError("Boathook does not run on this machine at the moment")
        }
        return descriptor
    }

    /// What sshd would give a login in the container itself.
    private static func environment(_ hasTerminal: Bool) -> [String] {
        var names = ["SSH_CLIENT", "SSH_CONNECTION", "LANG"] + localeNames
        if hasTerminal { names.append("TERM") }
        return ["USER=root", "LOGNAME=root"]
            + names.compactMap { name in
                variable(name).flatMap { String(validating: $0, as: UTF8.self) }
                    .map { "\(name)=\($0)" }
            }
    }

    /// locale(7); what else a client sends under `LC_…` is not passed on.
    private static let localeNames = [
        "LC_ALL", "LC_ADDRESS", "LC_COLLATE", "LC_CTYPE", "LC_IDENTIFICATION", "LC_MEASUREMENT",
        "LC_MESSAGES", "LC_MONETARY", "LC_NAME", "LC_NUMERIC", "LC_PAPER", "LC_TELEPHONE",
        "LC_TIME",
    ]

    private static func variable(_ name: String) -> [UInt8]? {
        getenv(name).map { value in
            UnsafeBufferPointer(start: value, count: strlen(value)).map(UInt8.init(bitPattern:))
        }
    }
}
