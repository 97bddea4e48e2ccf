/// A policy's refusal on its way to a ``Decision/Denial``: the error, and a command to try instead.
struct Refusal: Error {
    var error: CommandError
    /// The words of a command that may be allowed; offered only if the policy does allow it.
    var candidate: [String]?

    init(_ error: CommandError, candidate: [String]? = nil) {
        self.error = error
        self.candidate = candidate
    }
}

extension ParsedCommand {
    /// A refusal that blames the word at `index`, or a part of it (see ``site(of:part:)``).
    func refusal(
        _ code: CommandError.Code, _ message: String, at index: Int, part: Range<Int>? = nil,
        candidate: [String]? = nil
    ) -> Refusal {
        let site = site(of: words[index], part: part)
        let error = CommandError(code, message, offset: site.offset, token: site.token)
        return Refusal(error, candidate: candidate)
    }

    /// The command's words with some of them replaced.
    func argv(replacing indices: Range<Int>, with replacement: [String]) -> [String] {
        var argv = argv
        argv.replaceSubrange(indices, with: replacement)
        return argv
    }
}
