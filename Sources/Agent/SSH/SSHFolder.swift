internal import FoundationEssentials
internal import Glibc

/// The agent's folder for SSH: the machine's host key, and for each instance its keys and configuration.
///
/// Everything in it is for this user alone, and whole from its first moment.
struct SSHFolder: Sendable {
    let path: String

    var hostKey: String { path + "/host_key" }
    var agentPipe: String { path + "/agent" }
    /// What the server sees instead of the machine's `/etc/passwd` and the like; see ``SSHLauncher``.
    var users: String { path + "/passwd" }
    var passwords: String { path + "/shadow" }
    var logins: String { path + "/logins" }

    private func folder(of instance: Int64) -> String { "\(path)/\(instance)" }
    func configuration(of instance: Int64) -> String { folder(of: instance) + "/sshd_config" }
    func keys(of instance: Int64) -> String { folder(of: instance) + "/keys" }
    func door(of instance: Int64) -> String { folder(of: instance) + "/door" }

    /// Instances of which there is something.
    var instances: [Int64] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).compactMap {
            Int64($0)
        }
    }

    /// Makes what all servers have in common.
    ///
    /// - Returns: The writing end of the pipe by which logins know that the agent lives.
    /// - Throws: ``SSHFailure``.
    func prepare() throws -> CInt {
        try makeFolder(path)
        try makeHostKey()
        // Its name tells nothing about this machine's root: who may have another shell, and be locked.
        let separated =
            Self.lines(of: "/etc/passwd").first { $0.hasPrefix("sshd:") }
            ?? "sshd:x:65534:65534::/run/sshd:/usr/sbin/nologin"
        // Both who log in are root, or they could not enter the container; what the second one gets is its session's
        // affair. The first of a number is the one that the number is called.
        let copyUser = SSHSettings.copyUser
        try write(
            "root:x:0:0:root:/:/bin/sh\n\(copyUser):x:0:0::/:/bin/sh\n\(separated)\n", to: users)
        let names = ["root", copyUser, "sshd"]
        try write(names.map { "\($0):*:1:0:99999:7:::\n" }.joined(), to: passwords)
        try write("", to: logins)
        // A new one each time: logins of a former agent hold the old one, which nobody writes to any more.
        unlink(agentPipe)
        guard mkfifo(agentPipe, 0o600) == 0 else { throw SSHFailure(agentPipe) }
        // For reading, too, because opening it for writing alone waits for a reader (fifo(7)).
        let pipe = open(agentPipe, O_RDWR | O_NONBLOCK | O_CLOEXEC)
        guard pipe >= 0 else { throw SSHFailure(agentPipe) }
        return pipe
    }

    private func makeHostKey() throws {
        guard access(hostKey, F_OK) != 0 else { return }
        guard let program = HostProgram.path(of: "ssh-keygen") else {
            throw SSHFailure("ssh-keygen", "is not on this machine")
        }
        let draft = hostKey + ".new"
        unlink(draft)
        unlink(draft + ".pub")
        let arguments = ["-q", "-t", "ed25519", "-N", "", "-C", "boathook", "-f", draft]
        guard HostProgram.output(of: program, arguments, patience: .seconds(20)) != nil else {
            throw SSHFailure(draft, "could not be made by ssh-keygen")
        }
        guard rename(draft + ".pub", hostKey + ".pub") == 0, rename(draft, hostKey) == 0 else {
            throw SSHFailure(hostKey)
        }
    }

    /// Whether this machine's sshd knows a line of configuration.
    func isUnderstood(_ line: String, by server: String) -> Bool {
        // As Debian's own service makes it, whatever this process's mask is.
        if mkdir("/run/sshd", 0o755) == 0 { chmod("/run/sshd", 0o755) }
        let file = path + "/probe"
        guard (try? write("HostKey \"\(hostKey)\"\n\(line)\n", to: file)) != nil else {
            return false
        }
        return HostProgram.output(of: server, ["-t", "-f", file], patience: .seconds(10)) != nil
    }

    /// Writes a file of an instance, in place of the last one; one that is the same is left as it is.
    func write(_ text: String, to file: String, of instance: Int64) throws {
        try makeFolder(folder(of: instance))
        try write(text, to: file)
    }

    func remove(_ instance: Int64) {
        try? FileManager.default.removeItem(atPath: folder(of: instance))
    }

    private func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SSHFailure(path) }
    }

    private func write(_ text: String, to file: String) throws {
        let bytes = Array(text.utf8)
        if let present = FileManager.default.contents(atPath: file), present.elementsEqual(bytes) {
            return
        }
        let draft = file + ".new"
        unlink(draft)
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SSHFailure(draft) }
        defer { close(descriptor) }
        guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0,
            rename(draft, file) == 0
        else { throw SSHFailure(file) }
    }

    private static func lines(of file: String) -> [String] {
        let text = FileManager.default.contents(atPath: file) ?? Data()
        return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
    }
}

/// Why there can be no logins; for the machine's owner.
struct SSHFailure: Error, CustomStringConvertible {
    let description: String

    init(_ name: String, _ problem: String = String(cString: strerror(errno))) {
        description = "\(name): \(problem)"
    }
}
