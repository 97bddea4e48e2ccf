import ArgumentParser
import Glibc
import VastAPI

/// The server and the agent.
///
/// People call it through `boathook up|server|agent|admin`.
@main
struct Boathookd: AsyncParsableCommand {
    static func main() async {
        SSHSession.runIfAsked()
        // What this process writes is for its own user: database, results, journal.
        umask(0o077)
        // Links, waiting callers and running tools each hold descriptors; the soft limit is for programs
        // that use select(2) (systemd.exec(5), "LimitNOFILE=").
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }
        await main(nil)
    }

    static let configuration = CommandConfiguration(
        commandName: "boathook",
        abstract: "A control plane that reaches into container instances, running or stopped.",
        discussion: """
            'boathook up' on a machine with a container engine is at once a server and its only machine. \
            With more machines, run 'boathook server' once and 'boathook agent' on each.
            """,
        version: BoathookVersion.text,
        subcommands: [
            UpVerb.self, ServerVerb.self, AgentVerb.self, AdminVerb.self, PolicyVerb.self,
            JailBenchVerb.self,
        ])
}
