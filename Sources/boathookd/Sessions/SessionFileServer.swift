import Agent
import FoundationEssentials
import Glibc

/// OpenSSH's server of the subsystem `sftp`, in the container: the image's own, or else this machine's, lent to it.
///
/// What is lent are bytes: a copy of the program and of its libraries, written by the container's own `cat` into a
/// folder of the container's, where it runs as any program of the container does. The machine's own never touches the
/// container's files. The folder is removed when the transfer is over.
struct SessionFileServer {
    let door: SSHDoorFile

    /// The words of a program that is the server.
    ///
    /// - Throws: ``SessionError`` when there is none, with what to use instead; sshd does not pass on what a subsystem
    ///   writes to its standard error, so that only the operator of this machine could see it.
    func arguments() throws(SessionError) -> [String] {
        let found = try run(Self.findScript, [])
        if found.status == 0, let path = String(validating: found.output, as: UTF8.self) {
            return ["/bin/sh", "-c", "cd 2>/dev/null; exec \"$1\"", "sh", path]
        }
        let folder = "/tmp/.boathook-sftp-\(UInt64.random(in: .min ... .max))"
        guard let files = Self.files, try run(#"mkdir -m 700 "$1""#, [folder]).status == 0 else {
            throw Self.none
        }
        for file in files {
            guard let bytes = FileManager.default.contents(atPath: file.path),
                try run(Self.lendScript, [folder, file.name], input: Array(bytes)).status == 0
            else {
                _ = try run(#"rm -rf "$1""#, [folder])
                throw Self.none
            }
        }
        return ["/bin/sh", "-c", Self.runScript, "sh", folder]
    }

    /// Runs a script of ours to its end.
    private func run(
        _ script: String, _ arguments: [String], input: [UInt8] = []
    ) throws(SessionError) -> (status: Int32, output: [UInt8]) {
        let execution = try SessionExecution(
            ["/bin/sh", "-c", script, "sh"] + arguments, environment: [], in: door,
            hasTerminal: false)
        defer { close(execution.connection) }
        var rest = input[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                write(execution.connection, $0.baseAddress, $0.count)
            }
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
        }
        shutdown(execution.connection, CInt(SHUT_WR))
        var frames = FrameReader()
        var output: [UInt8] = []
        var bytes = execution.beginning
        var buffer = [UInt8](repeating: 0, count: 65_536)
        repeat {
            frames.take(bytes) { stream, piece in
                // What the container writes is bounded here, because it is ours to keep.
                if stream == 1, output.count + piece.count < 4096 { output += piece }
            }
            let count = read(execution.connection, &buffer, buffer.count)
            bytes = Array(buffer[..<max(0, count)])
        } while !bytes.isEmpty
        return (try execution.endStatus(), output)
    }

    /// Where distributions put it.
    private static let places = [
        "/usr/lib/openssh/sftp-server", "/usr/lib/ssh/sftp-server",
        "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server",
    ]

    private static let findScript =
        "for p in \(places.joined(separator: " ")); do [ -x $p ] && printf %s $p && exit; done; exit 1"
    private static let lendScript = #"cat >"$1/$2" && chmod 700 "$1/$2""#
    private static let runScript = """
        cd 2>/dev/null
        trap 'rm -rf "$1"; exit 129' HUP INT TERM
        "$1/loader" --library-path "$1" "$1/sftp-server"
        s=$?
        rm -rf "$1"
        exit $s
        """

    private static let none = SessionError(
        """
        this image has no sftp-server, and none could be lent to it; use 'scp -O' or rsync, which run the image's \
        own scp and rsync
        """, status: 1)

    /// This machine's program with all that it is loaded with (ldd(1)); nil when it has none.
    private static var files: [(name: String, path: String)]? {
        guard let server = places.first(where: { access($0, X_OK) == 0 }),
            let pipe = popen("LC_ALL=C ldd \(server)", "re")
        else { return nil }
        defer { pclose(pipe) }
        var files = [(name: "sftp-server", path: server)]
        var line = [UInt8](repeating: 0, count: 4096)
        while line.withUnsafeMutableBytes({
            fgets($0.assumingMemoryBound(to: CChar.self).baseAddress, CInt($0.count), pipe)
        }) != nil {
            // `NAME => PATH (ADDRESS)`, or `LOADER (ADDRESS)`; the kernel's own library has no path.
            let words = String(decoding: line.prefix { $0 != 0 }, as: UTF8.self)
                .split { $0.isWhitespace }.map(String.init)
            if words.count >= 3, words[1] == "=>" {
                files.append((words[0], words[2]))
            } else if let loader = words.first, loader.hasPrefix("/") {
                files.append(("loader", loader))
            }
        }
        return files.contains { $0.name == "loader" } ? files : nil
    }
}
