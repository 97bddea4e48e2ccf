/// Why a verb did not do what it was asked; ends the process with a status that means something.
struct ClientError: Error, CustomStringConvertible {
    let description: String
    let exitCode: Int32

    /// - Parameters:
    ///   - description: What is said on standard error.
    ///   - exitCode: 125 unless something else is known: the command was not run.
    init(_ description: String, exitCode: Int32 = 125) {
        self.description = description
        self.exitCode = exitCode
    }
}
