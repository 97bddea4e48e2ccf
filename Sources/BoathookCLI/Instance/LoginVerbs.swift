internal import ArgumentParser
internal import VastAPI

/// `boathook attach …`.
struct AttachVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Let an SSH key log in to one instance.",
        subcommands: [AttachSSHVerb.self])
}

/// `boathook attach ssh ID KEY`.
struct AttachSSHVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh", abstract: "Let an SSH key log in to one instance.",
        discussion: """
            The key's text, or the file that holds it: the public one. It counts from the next login on.

              boathook attach ssh 7 ~/.ssh/id_ed25519.pub

            Exit status: 0 attached, 1 no such instance, or the key is attached already, 64 wrong usage, 125 refused.
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Argument(help: ArgumentHelp("The public key, or its file.", valueName: "key|file"))
    var key: String

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let request = SSHKeyRequest(sshKey: .string(try CreateSSHKeyVerb.text(key)))
        let reply: InstanceSSHKeyReply = try await VerbFailure.naming {
            try await options.client().post(APIPath.logins(instance: instanceID), request)
        }
        try reply.tell(options)
    }
}

/// `boathook detach …`.
struct DetachVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "detach", abstract: "Let an SSH key log in to one instance no more.",
        subcommands: [DetachSSHVerb.self])
}

/// `boathook detach ssh ID KEY_ID`.
struct DetachSSHVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh", abstract: "Let an SSH key log in to one instance no more.",
        discussion: """
            'boathook show ssh-keys' has the ids of keys. Logins that are open stay open.

              boathook detach ssh 7 12
            """)

    @Argument(help: ArgumentHelp("The instance's id.", valueName: "instance_id"))
    var instanceID: Int64

    @Argument(help: ArgumentHelp("The key's id.", valueName: "ssh_key_id"))
    var keyID: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: InstanceSSHKeyReply = try await VerbFailure.naming {
            try await options.client().delete(APIPath.login(instance: instanceID, sshKey: keyID))
        }
        try reply.tell(options)
    }
}

extension InstanceSSHKeyReply {
    /// Upstream's 200 may be a no.
    fileprivate func tell(_ options: ClientOptions) throws {
        if options.json { try StandardStreams.print(try JSONText.of(self)) }
        guard success else { throw ClientError(msg ?? "refused", exitCode: 1) }
        if !options.json { try StandardStreams.print(msg ?? "done") }
    }
}
