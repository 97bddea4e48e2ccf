import Glibc

/// What a login runs in the container.
///
/// The image need have nothing for it but a shell: what it is to be run with is found there by trying.
enum SessionProgram {
    /// An interactive shell, or one that reads commands.
    case shell
    /// One command line, as the client's user wrote it; any bytes.
    case command([UInt8])
    /// What sshd says that the client asks for (`SSH_ORIGINAL_COMMAND`, ssh(1)); nothing is a shell.
    init(asked command: [UInt8]?) {
        self = command.map { .command($0) } ?? .shell
    }

    /// The words to be executed.
    ///
    /// The size is the terminal's; nil when there is none. The engine can be told only when the program runs
    /// already, and by then it may have looked.
    func arguments(size: winsize?) -> [String] {
        let rows = size.map { "\($0.ws_row)" } ?? ""
        let columns = size.map { "\($0.ws_col)" } ?? ""
        let script: String
        let argument: String
        switch self {
        case .shell:
            script = #"exec "$SHELL" -l"#
            argument = ""
        case .command(let bytes):
            if let text = String(validating: bytes, as: UTF8.self) {
                script = #"exec "$SHELL" -c "$3""#
                argument = text
            } else {
                // The engine's API takes text only; file names need not be any.
                script = #"c=$(printf "$3"; printf x); exec "$SHELL" -c "${c%x}""#
                argument = bytes.reduce(into: "") { text, byte in
                    let digits = String(byte, radix: 8)
                    text += "\\" + String(repeating: "0", count: 3 - digits.count) + digits
                }
            }
        }
        return ["/bin/sh", "-c", Self.preparation + script, "sh", rows, columns, argument]
    }

    /// As sshd does: in the home folder, with the shell that a user of the image would have.
    private static let preparation = """
        cd 2>/dev/null
        SHELL=$(command -v bash 2>/dev/null) || SHELL=/bin/sh
        export SHELL
        if [ -n "$1" ]; then
            stty rows "$1" cols "$2" 2>/dev/null
            SSH_TTY=$(tty 2>/dev/null) && export SSH_TTY
        fi

        """
}
