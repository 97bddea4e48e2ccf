internal import Glibc
internal import VastAPI

/// A run of rsync between this machine and an instance (rsync(1)).
struct Rsync {
    enum Direction: Sendable, Hashable { case upload, download }

    let direction: Direction
    let local: String
    let instanceID: Int64
    let remote: String
    /// Where the instance's SSH is.
    let address: String
    let port: Int
    /// The private key to log in with; nil leaves the choice to ssh.
    let identity: String?
    /// Whether it tells on standard output what it copies, and, for a person who watches, how far it is.
    let isTold: Bool
    let isWatched: Bool

    /// Its words, the program first.
    ///
    /// - Throws: ``ClientError`` for an address that would become something else on a command line.
    func arguments() throws(ClientError) -> [String] {
        guard Self.isHost(address), (1...65_535).contains(port) else {
            throw ClientError("the server told an address that is none: \(address) \(port)")
        }
        var words = ["rsync", "-az"]
        // An instance is not trusted: what it has may not become a device of this machine, nor somebody else's rights.
        if direction == .download {
            words += ["--no-devices", "--no-specials", "--chmod=ug-s"]
        }
        if isTold { words.append("-v") }
        if isTold && isWatched { words.append("--progress") }
        words += ["-e", shell, "--"]
        let place = "vastai_kaalia@\(address)::\(instanceID)/\(remote.drop { $0 == "/" })"
        // What has a colon before the first slash would be a host.
        let path = local.hasPrefix("/") ? local : "./" + local
        switch direction {
        case .upload: words += [path, place]
        case .download: words += [place, path]
        }
        return words
    }

    /// rsync splits it at blanks, and reads quotes; a doubled one within quotes is one.
    private var shell: String {
        var words = "ssh -p \(port) -o StrictHostKeyChecking=accept-new"
        if let identity {
            words += " -i '" + identity.replacing("'", with: "''") + "'"
        }
        return words
    }

    private static func isHost(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first != "-" else { return false }
        return text.unicodeScalars.allSatisfy { scalar in
            switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", ".", "-", ":", "[", "]", "_": true
            default: false
            }
        }
    }

    /// Turns this process into rsync, whose status is then this process's, and which hears the terminal's signals itself.
    ///
    /// - Throws: ``ClientError`` when there is no such program here.
    static func become(_ arguments: [String]) throws(ClientError) -> Never {
        // The network library ignores it, and the thread may be one that hears none; both would be passed on.
        signal(SIGPIPE, SIG_DFL)
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        execvp("rsync", &pointers)
        throw ClientError(
            errno == ENOENT
                ? "rsync is not installed here; copies are made by it"
                : "rsync: \(String(cString: strerror(errno)))")
    }
}
