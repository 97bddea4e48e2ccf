internal import FoundationEssentials
internal import Glibc

/// The `boathookd` that lies beside this executable.
enum DaemonProgram {
    static let verbs: Set<String> = ["up", "server", "agent", "admin", "policy", "jail-bench"]

    /// Whether this program was called by upstream's name: then it has upstream's verbs alone.
    static let isClientOnly = lastPart(of: CommandLine.arguments.first ?? "") == "vastai"

    /// Turns this process into `boathookd` with the same arguments; signals to this process then
    /// reach it.
    ///
    /// Ends the process with 127 when there is none.
    static func become(_ arguments: [String]) -> Never {
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = own.dropLast(lastPart(of: own).count) + "boathookd"
        var pointers: [UnsafeMutablePointer<CChar>?] = (["boathook"] + arguments).map { strdup($0) }
        pointers.append(nil)
        execv(String(path), &pointers)
        StandardStreams.complain("boathook: \(path): \(String(cString: strerror(errno)))")
        exit(127)
    }

    static func lastPart(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
