import Testing

@testable import Agent

@Suite struct SSHConfigurationTests {
    private static let key =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJl3vS8hN3jYl0m0m2k3sQd5pTn3e0vYbq0nq4W5m8Qp"

    private func text(
        _ folder: String = "/data/agent/ssh", addresses: [String] = [], ends: Bool = true
    ) -> [String] {
        SSHConfiguration.text(
            folder: SSHFolder(path: folder), instance: 7, port: 40_001,
            settings: SSHSettings(
                addresses: addresses, executable: "/opt/bin/boathookd", engineSocket: "/e"),
            endsUnusedConnections: ends
        ).split(separator: "\n").map(String.init)
    }

    @Test(arguments: [
        "UsePAM no", "AuthenticationMethods publickey", "PasswordAuthentication no",
        "KbdInteractiveAuthentication no", "HostbasedAuthentication no",
        "AllowUsers root vastai_kaalia",
        "PermitRootLogin forced-commands-only", "AuthorizedKeysFile none", "DisableForwarding yes",
        "AllowTcpForwarding no", "AllowStreamLocalForwarding no", "AllowAgentForwarding no",
        "X11Forwarding no", "PermitTunnel no", "GatewayPorts no", "PermitUserEnvironment no",
        "PermitUserRC no", "AcceptEnv LANG LC_*", "PidFile none",
        "ForceCommand exec '/opt/bin/boathookd' ssh-session '/data/agent/ssh/7/door'",
        #"AuthorizedKeysCommand /usr/bin/cat "/data/agent/ssh/7/keys""#,
    ])
    func `what keeps a login in its container is said once`(line: String) {
        let word = line.prefix { $0 != " " } + " "
        #expect(text().filter { $0.hasPrefix(word) } == [line])
    }

    @Test func `nothing is included and nothing is conditional`() {
        #expect(!text().contains { $0.hasPrefix("Include") || $0.hasPrefix("Match") })
    }

    @Test func `addresses are those that were set`() {
        #expect(!text().contains { $0.hasPrefix("ListenAddress") })
        let lines = text(addresses: ["127.0.0.1", "::1"])
        #expect(lines.contains("Port 40001"))
        #expect(
            lines.filter { $0.hasPrefix("ListenAddress") } == [
                "ListenAddress 127.0.0.1", "ListenAddress ::1",
            ])
    }

    @Test func `an sshd that knows no end of unused connections is not told of it`() {
        #expect(text(ends: true).contains("UnusedConnectionTimeout 60"))
        #expect(!text(ends: false).contains { $0.contains("UnusedConnectionTimeout") })
    }

    @Test func `a percent sign in a path is none of sshd's tokens`() {
        #expect(
            text("/data/%u").contains(#"AuthorizedKeysCommand /usr/bin/cat "/data/%%u/7/keys""#))
    }

    @Test(arguments: ["/a\"b", "/a'b", "/a\\b", "/a\nb", "/a#b", "a/b", ""])
    func `a path that could be read in two ways is not written`(path: String) {
        #expect(!SSHConfiguration.canName(path))
        #expect(SSHConfiguration.canName("/srv/with blank/caf\u{e9}"))
    }

    @Test func `a key lets in, and alone lets nothing be run`() {
        #expect(
            SSHConfiguration.authorizedKeys([Self.key, Self.key + " me@there"])
                == "restrict,pty,command=\"exit 1\" \(Self.key)\n"
                + "restrict,pty,command=\"exit 1\" \(Self.key) me@there\n")
    }

    @Test(arguments: [
        "", "#", "command=\"/bin/sh\" " + key, "cert-authority " + key, "restrict " + key,
        key + "\n" + "command=\"/bin/sh\" " + key, key + "\r", key + "\u{0}", "ssh-ed25519",
        "ssh-ed25519,x AAAA", "ssh-ed25519 AAAA\"", " ", "no-pty,ssh-ed25519 AAAA",
        "environment=\"A=B\" " + key,
    ])
    func `a line that is more than a key lets nobody in`(line: String) {
        #expect(SSHConfiguration.authorizedKeys([line]).isEmpty)
    }
}
