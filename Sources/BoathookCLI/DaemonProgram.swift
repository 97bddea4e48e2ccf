internal import FoundationEssentials
internal import Glibc

/// The `boathookd` that lies beside this executable.
enum DaemonProgram {
    static let verbs: Set<String> = ["up", "server", "agent", "admin", "policy", "jail-bench"]

    /// Whether this program was called by upstream's name: then it has upstream's verbs alone.
    static let isClientOnly = lastPart(of: CommandLine.arguments.first ?? "") == "vastai"

    /// The words for `boathookd` in these of ours, `help VERB` as it has it; nil when they are none of its business.
    static func words(of arguments: [String]) -> [String]? {
        let isHelp = arguments.first == "help"
        let words = Array(arguments.dropFirst(isHelp ? 1 : 0))
        guard let verb = words.first, verbs.contains(verb) else { return nil }
        return isHelp ? words + ["--help"] : words
    }

    /// Turns this process into `boathookd` with the same arguments; signals to this process then
    /// reach it.
    ///
    /// - Throws: ``ClientError`` with status 127 when there is none, with 64 under upstream's name.
    static func become(_ arguments: [String]) throws(ClientError) -> Never {
        guard !isClientOnly else {
            throw ClientError(
                "vastai: '\(arguments[0])' is a verb of 'boathook'; this is a client", exitCode: 64)
        }
        let own =
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        let path = own.dropLast(lastPart(of: own).count) + "boathookd"
        var pointers: [UnsafeMutablePointer<CChar>?] = (["boathook"] + arguments).map { strdup($0) }
        pointers.append(nil)
        execv(String(path), &pointers)
        throw ClientError("boathook: \(path): \(String(cString: strerror(errno)))", exitCode: 127)
    }

    static func lastPart(of path: String) -> String {
        path.split(separator: "/").last.map(String.init) ?? path
    }
}
