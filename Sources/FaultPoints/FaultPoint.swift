#if DEBUG
    internal import Glibc
#endif

/// A named step of a command's way at which the fault harness (`make chaos`) can end this process.
///
/// The harness arms a point by making the file of its name in the folder that `BOATHOOK_FAULTS` names. The
/// process that reaches it removes the file and kills itself, as `kill -9` would. Release builds have none
/// of this: there, ``reached()`` is empty.
package enum FaultPoint: String, CaseIterable, Sendable {
    // The agent, in the order of a command's way.
    /// The order is known here, and nothing has been done for it.
    case orderTaken = "agent.order-taken"
    /// The engine holds a stopped container for a command that changes something.
    case holdTaken = "agent.hold-taken"
    /// The journal has the intent; the tool has not been started.
    case intentWritten = "agent.intent-written"
    /// The jail is closed and the tool's main begins.
    case toolRunning = "agent.tool-running"
    /// The tool has ended; no disk knows how.
    case toolEnded = "agent.tool-ended"
    /// The journal has the end; the server does not.
    case endWritten = "agent.end-written"
    /// The server has the end; the journal does not know that.
    case reportAcknowledged = "agent.report-acknowledged"
    /// The journal knows that, and the output is still on this machine's disk.
    case acknowledgementWritten = "agent.acknowledgement-written"
    /// A shorter journal has taken the place of the old one.
    case journalRewritten = "agent.journal-rewritten"

    // The server.
    /// The command is stored; neither its machine nor its caller knows.
    case commandStored = "server.command-stored"
    /// Its machine was told; its caller was not.
    case commandSent = "server.command-sent"
    /// A link came back, and a part of what was open is sent again.
    case orderResumed = "server.order-resumed"
    /// The wish to cancel is stored; the machine was not told.
    case cancelStored = "server.cancel-stored"
    /// The output is kept; the command's end is not.
    case resultKept = "server.result-kept"
    /// The command's end is stored; the agent does not know that.
    case endStored = "server.end-stored"

    // The server, on another way: no command comes by.
    /// An instance is stored; neither its machine nor its caller knows.
    case instanceStored = "server.instance-stored"

    /// To be called at the step.
    ///
    /// Costs nothing in a release build; in a debug build a system call, when the harness runs.
    package func reached() {
        #if DEBUG
            guard let folder = Self.folder, unlink("\(folder)/\(rawValue)") == 0 else { return }
            kill(getpid(), SIGKILL)
        #endif
    }

    #if DEBUG
        private static let folder = getenv("BOATHOOK_FAULTS").map { String(cString: $0) }
    #endif
}
