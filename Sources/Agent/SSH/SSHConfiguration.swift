/// What OpenSSH's server is told (sshd_config(5)), and whom it lets in (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").
///
/// A login is root on this machine as far as sshd knows, and runs one command whatever it asks for: what is written
/// here is all that keeps it to that.
enum SSHConfiguration {
    /// - Parameters:
    ///   - folder: The agent's, for SSH.
    ///   - instance: Whose server it is.
    ///   - port: Where it listens.
    ///   - settings: The machine's.
    ///   - endsUnusedConnections: Whether this sshd can end connections in which nothing is open (since 9.2).
    /// - Returns: The configuration file.
    static func text(
        folder: SSHFolder, instance: Int64, port: Int, settings: SSHSettings,
        endsUnusedConnections: Bool
    ) -> String {
        let keys = folder.keys(of: instance).replacing("%", with: "%%")
        let door = folder.door(of: instance)
        let addresses = settings.addresses.map { "ListenAddress \($0)\n" }.joined()
        let unused = endsUnusedConnections ? "UnusedConnectionTimeout 60\n" : ""
        return """
            # Written by Boathook for instance \(instance), and written anew when something changes.
            Port \(port)
            \(addresses)HostKey "\(folder.hostKey)"
            PidFile none
            LogLevel INFO
            UseDNS no
            VersionAddendum none

            # Who: the instance's keys, and nothing else that there is on this machine. PAM would look at the
            # machine's own rules and begin a session of its own.
            UsePAM no
            AuthenticationMethods publickey
            PubkeyAuthentication yes
            PasswordAuthentication no
            KbdInteractiveAuthentication no
            HostbasedAuthentication no
            AllowUsers root \(SSHSettings.copyUser)
            PermitRootLogin forced-commands-only
            AuthorizedKeysFile none
            AuthorizedKeysCommand /usr/bin/cat "\(keys)"
            AuthorizedKeysCommandUser root
            AuthorizedPrincipalsFile none
            StrictModes yes
            MaxAuthTries 10
            LoginGraceTime 20
            MaxStartups 10:30:60

            # What: the one command, which enters the instance's container.
            ForceCommand exec \(quoted(settings.executable)) ssh-session \(quoted(door))
            Subsystem sftp \(SSHSettings.fileTransferWord)
            AcceptEnv LANG LC_*
            PermitUserEnvironment no
            PermitUserRC no
            DisableForwarding yes
            AllowTcpForwarding no
            AllowStreamLocalForwarding no
            AllowAgentForwarding no
            X11Forwarding no
            PermitTunnel no
            GatewayPorts no
            PrintMotd no
            PrintLastLog no

            # Until when.
            MaxSessions 32
            TCPKeepAlive yes
            ClientAliveInterval 30
            ClientAliveCountMax 4
            \(unused)
            """
    }

    /// The file that lets these public keys in, each as OpenSSH writes it.
    ///
    /// What is no such line lets nobody in.
    static func authorizedKeys(_ keys: [String]) -> String {
        // `command=` satisfies PermitRootLogin; ForceCommand counts more, and where it were not heeded nothing runs.
        keys.filter(isKey).map { "restrict,pty,command=\"exit 1\" \($0)\n" }.joined()
    }

    /// Whether a line is a public key without options, which could say more than whose it is.
    private static func isKey(_ line: String) -> Bool {
        let words = line.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, ["ssh-", "ecdsa-", "sk-"].contains(where: words[0].hasPrefix) else {
            return false
        }
        return words[0].utf8.allSatisfy { isLetterOrDigit($0) || "-.@".utf8.contains($0) }
            && words[1].utf8.allSatisfy { isLetterOrDigit($0) || "+/=".utf8.contains($0) }
            && line.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch UnicodeScalar(byte) {
        case "a"..."z", "A"..."Z", "0"..."9": true
        default: false
        }
    }

    /// Whether a path can be written in the configuration: sshd and the shell each read it in their way.
    static func canName(_ path: String) -> Bool {
        path.hasPrefix("/")
            && !path.unicodeScalars.contains {
                "\"\\'#".unicodeScalars.contains($0) || $0.properties.generalCategory == .control
            }
    }

    private static func quoted(_ path: String) -> String { "'\(path)'" }
}
