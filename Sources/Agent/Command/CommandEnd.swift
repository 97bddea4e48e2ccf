internal import AgentLink
internal import CommandPolicy
internal import Jail

// What a run's end means for its report.
extension CommandFinished {
    mutating func add(note more: String) {
        note = note.map { "\($0); \(more)" } ?? more
    }
}

extension ToolRun {
    /// Fills in how it ended.
    func describe(in report: inout CommandFinished, of decision: Decision) {
        end.describe(in: &report, of: decision)
        if let reason { report.note = reason }
        if !end.isCollected { report.add(note: "it is stuck in the kernel") }
        if isLost {
            report.outcome = .lost
            report.exitCode = nil
            report.signal = nil
            report.complete = false
        }
    }
}

extension JailEnd {
    /// Whether the root was not there as a mount: the instance was started or stopped meanwhile.
    var isOfOutdatedContainer: Bool { cause.isOfOutdatedContainer }

    var outcome: CommandFinished.Outcome {
        switch cause {
        case .exited: .exited
        case .signalled, .outputLimit, .sinkFailed: .signalled
        case .timedOut: .timedOut
        case .cancelled: .cancelled
        case .notStarted: .denied
        }
    }

    /// Fills in what the outcome comes with.
    fileprivate func describe(in report: inout CommandFinished, of decision: Decision) {
        switch cause {
        case .exited(let code):
            report.exitCode = code
        case .signalled(let signal):
            report.signal = signal
            report.complete = false
            switch signal {
            case 9 where usedUpTime: report.note = "it used up its processor time"
            case 9 where ranOutOfMemory: report.note = "it used up the memory that it may have"
            case 9: report.note = "it used up the machine's memory, or somebody killed it there"
            default: break
            }
        case .timedOut:
            report.complete = false
            report.note = "killed after \(Int(runtime.components.seconds)) s"
        case .cancelled:
            report.complete = false
            report.note = "killed because it was cancelled"
        case .outputLimit:
            report.signal = 9
            report.complete = false
            report.note = "killed when its output reached its limit of \(report.outputBytes) bytes"
        case .sinkFailed:
            report.signal = 9
            report.complete = false
            report.note =
                "killed because the machine could not keep its output: \(sinkFailure.map { "\($0)" } ?? "")"
        case .notStarted(let step, let code):
            report.note = Self.refusal(step: step, code: code, guards: decision.guards)
        }
    }

    /// Why the jail did not close, for the person who sent the command.
    static func refusal(step: String, code: Int, guards: [String]) -> String {
        // Of these three the library says which operand it was.
        let operand = guards.indices.contains(code) ? guards[code] : "an operand"
        return switch step {
        case "guard_root": "refused: \(operand) is the root of the instance"
        case "guard_system":
            "refused: \(operand) is a protected folder of the instance, such as those of its system"
        case "guard_mount":
            "refused: \(operand) is a mount point of the instance; name the files or folders in it"
        case "paths":
            "a path that this command is bound to is a symbolic link in the instance, or leads through one"
        case "volume":
            "the place of a volume in the instance is not what it should be (errno \(code))"
        default: "the jail could not be closed at step \(step) (errno \(code)); nothing was run"
        }
    }
}

extension JailEnd.Cause {
    /// Whether the root was not there as a mount: the instance was started or stopped meanwhile.
    var isOfOutdatedContainer: Bool {
        guard case .notStarted(let step, _) = self else { return false }
        return ["root_open", "root_kind", "layers"].contains(step)
    }
}
