import Glibc

/// The terminal that sshd made for a login; all that it does for lines is left to the one in the container.
final class SessionTerminal {
    private var before = termios()

    /// Nil when the login has none.
    init?() {
        guard isatty(STDIN_FILENO) == 1, tcgetattr(STDIN_FILENO, &before) == 0 else { return nil }
    }

    func makeRaw() {
        var raw = before
        cfmakeraw(&raw)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw)
    }

    func restore() {
        tcsetattr(STDIN_FILENO, TCSANOW, &before)
    }

    var size: winsize {
        var size = winsize()
        _ = ioctl(STDIN_FILENO, UInt(TIOCGWINSZ), &size)
        return size
    }
}
