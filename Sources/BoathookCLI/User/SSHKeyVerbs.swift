internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// `boathook show ssh-keys`.
struct ShowSSHKeysVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh-keys", abstract: "List the keys that log in to your instances.",
        discussion: "  boathook show ssh-keys")

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let rows: [SSHKeyRow] = try await options.client().get(APIPath.sshKeys)
        if options.json {
            try StandardStreams.print(try JSONText.of(rows))
            return
        }
        var table = Table(head: ["ID", "SINCE", "KEY"])
        for row in rows { table.add(["\(row.id)", row.createdAt, row.publicKey]) }
        try table.write()
    }
}

/// `boathook create ssh-key KEY`.
struct CreateSSHKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh-key",
        abstract: "Let a key log in to all your instances.",
        discussion: """
            The key's text, or the file that holds it: the public one.

              boathook create ssh-key ~/.ssh/id_ed25519.pub

            Exit status: 0 kept, 64 wrong usage, 125 refused.
            """)

    @Argument(help: ArgumentHelp("The public key, or its file.", valueName: "key|file"))
    var key: String

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let request = SSHKeyRequest(sshKey: .string(try Self.text(key)))
        let reply: SSHKeyReply = try await options.client().post(APIPath.sshKeys, request)
        try StandardStreams.print(options.json ? try JSONText.of(reply) : "ssh-key \(reply.key.id)")
    }

    /// A file's text when it is one; what looks like a private key is sent nowhere.
    static func text(_ word: String) throws -> String {
        let isText = word.contains(" ")
        let data = isText ? nil : FileManager.default.contents(atPath: word)
        let text = data.map { String(decoding: $0, as: UTF8.self) } ?? word
        guard !PrivateKey.isOne(text) else {
            throw ClientError("\(PrivateKey.complaint), \(word).pub", exitCode: 64)
        }
        guard isText || data != nil else {
            throw ClientError("\(word): there is no such file, and it is no key", exitCode: 64)
        }
        return text.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    }
}

/// What must not leave its owner's machine, nor be shown there.
enum PrivateKey {
    static func isOne(_ text: String) -> Bool { text.contains("PRIVATE KEY-----") }

    static let complaint =
        "this is a private key, which must not leave this machine: give the public one"
}

/// `boathook delete ssh-key ID`.
struct DeleteSSHKeyVerb: ClientVerb {
    static let configuration = CommandConfiguration(
        commandName: "ssh-key", abstract: "Let a key log in no more; sessions that are open stay.",
        discussion: """
            'boathook show ssh-keys' has the ids.

              boathook delete ssh-key 12
            """)

    @Argument(help: ArgumentHelp("The key's id.", valueName: "id"))
    var id: Int64

    @OptionGroup var options: ClientOptions

    func run() async throws {
        let reply: PlainReply
        do {
            reply = try await options.client().delete(APIPath.sshKey(id))
        } catch let error as ClientError where error.status == 400 {
            // Upstream's status for a key that is not there (contract 6).
            throw error.ending(with: 1)
        }
        try StandardStreams.print(options.json ? try JSONText.of(reply) : "deleted ssh-key \(id)")
    }
}

/// `boathook delete …`.
struct DeleteVerb: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Remove an SSH key, an API key, a variable, a schedule, a template.",
        subcommands: [
            DeleteSSHKeyVerb.self, DeleteVariableVerb.self, DeleteScheduleVerb.self,
            DeleteTemplateVerb.self, DeleteAPIKeyVerb.self,
        ])
}
