import AgentLink
import ArgumentParser
import ControlPlane
import LogLine
import SQLiteStore

struct JoinTokenVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "join-token",
        abstract: "Print a token with which one machine may join, once.",
        discussion: """
            With its secret half the machine shows that it may join; by the other one, the server's public key, it \
            knows this server from any other.
            """)

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("For how many minutes it is good.", valueName: "n"))
    var minutes = 60

    func run() async throws {
        let store = try admin.store()
        let token = JoinToken(
            secret: Secret().text, serverKey: try admin.folder().serverKey().publicKey
        ).text
        let now = WallTime.system.now()
        try await store.append(
            AuditEntry(
                time: now, event: .joinTokenCreated, detail: "good for \(minutes) minutes"))
        try await store.addJoinToken(
            SecretDigest(of: token), expiresAt: now + Double(minutes) * 60)
        print(token)
    }
}

struct ShowMachinesVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show-machines", abstract: "List the machines that have joined.")

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        for machine in try await admin.store().machines() {
            print(
                LogLine.text([
                    ("id", "\(machine.id)"), ("name", machine.name),
                    ("joined", LogLine.time(machine.joinedAt)),
                    ("revoked", machine.revokedAt.map(LogLine.time) ?? "never"),
                ]))
        }
    }
}

struct RevokeMachineVerb: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke-machine",
        abstract: "Make a machine's token useless for ever.",
        discussion: """
            Its calls are refused from now on; a running server closes its link within a second, ends its commands \
            and forgets its instances. What its agent has begun is not stopped by that. It can join again, as \
            another machine.
            """)

    @OptionGroup var admin: AdminOptions

    @Argument(help: "Its number, as show-machines has it.")
    var id: Int64

    func run() async throws {
        guard try await admin.store().revokeMachine(id, at: WallTime.system.now()) else {
            throw ValidationError("there is no machine \(id) that has a token")
        }
    }
}
