internal import Glibc

/// A question on the terminal, before something that cannot be undone.
enum Consent {
    /// - Throws: ``ClientError`` when the answer is no, or nobody can be asked.
    static func ask(_ question: String) throws {
        guard isatty(STDIN_FILENO) == 1, StandardStreams.Stream.error.isTerminal else {
            throw ClientError("nobody can be asked here: use --yes", exitCode: 1)
        }
        StandardStreams.writeProgress("\(question) [y/N] ")
        let answer = readLine()?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else {
            throw ClientError("nothing was done", exitCode: 1)
        }
    }
}
