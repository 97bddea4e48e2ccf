import ArgumentParser
import FoundationEssentials

/// The flags that servers and agents share.
struct SettingsOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A YAML file of settings; keys are the flags' names with underscores.",
            valueName: "file"))
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where everything is kept (default: /var/lib/boathook).", valueName: "dir"))
    var dataDir: String?

    @Option(
        help: ArgumentHelp(
            "Address to listen on (default: 127.0.0.1:8787; port 0 takes a free one).",
            valueName: "host:port"))
    var listen: String?

    @Option(
        help: ArgumentHelp(
            "What URLs for callers begin with (default: the address listened on).", valueName: "url"
        ))
    var publicURL: String?

    @Option(
        help: ArgumentHelp(
            "The container engine: unix:///PATH (default: DOCKER_HOST, then Docker's and Podman's usual sockets).",
            valueName: "url"))
    var engine: String?

    @Option(
        help: ArgumentHelp(
            "Which containers become instances: label (those with the label boathook.instance), all, none.",
            valueName: "which"))
    var adopt: String?

    @Option(
        help: ArgumentHelp(
            "What callers may run: vast (default), inspect, diagnose, or a policy's file.",
            valueName: "name|file"))
    var policy: String?

    @Option(
        help: ArgumentHelp(
            "What may run on this machine, whatever the server allows (default: diagnose, all there is).",
            valueName: "name|file"))
    var machinePolicy: String?

    @Option(
        help: ArgumentHelp(
            "Whether instances may be made on this machine: yes (default) or no.",
            valueName: "yes|no"))
    var createInstances: String?

    @Option(
        help: ArgumentHelp(
            "How many instances there may be on this machine at a time (default: 16).",
            valueName: "n"))
    var slots: String?

    @Option(
        help: ArgumentHelp(
            "How many processes and threads each may have (default: 4096; 0 for any number).",
            valueName: "n"))
    var instanceProcesses: String?

    @Option(
        help: ArgumentHelp(
            "The network of instances that are made: auto (default: isolated if the engine has a bridge, else none), isolated, bridge, host, none.",
            valueName: "which"))
    var instanceNetwork: String?

    @Option(
        help: ArgumentHelp(
            "The machine's ports behind which instances are reached (default: 20000-29999).",
            valueName: "first-last"))
    var ports: String?

    @Option(
        help: ArgumentHelp(
            "Where callers from outside reach this machine (default: the host of --public-url, else its first address).",
            valueName: "address"))
    var publicAddress: String?

    @Option(
        help: ArgumentHelp(
            "Where instances are logged into by SSH: all (default), or addresses of this machine, separated by commas.",
            valueName: "addresses"))
    var sshListen: String?

    @Option(
        help: ArgumentHelp(
            "Dollars an hour: for each GPU, or for the machine without one (default: 0).",
            valueName: "dollars"))
    var price: String?

    @Option(
        help: ArgumentHelp("Where the machine stands, for people: 'Oslo, NO'.", valueName: "text"))
    var location: String?

    @Option(
        help: ArgumentHelp(
            "boathook (default), or vast-strict: upstream's refusals, messages and intervals.",
            valueName: "mode"))
    var compatibility: String?

    @Option(
        help: ArgumentHelp(
            "How many commands run at once on a machine (default: 8).", valueName: "n"))
    var concurrency: String?

    @Option(
        help: ArgumentHelp("For how many hours results are kept (default: 24).", valueName: "n"))
    var resultHours: String?

    @Option(
        help: ArgumentHelp(
            "How many MiB of the disk all results take; the oldest go first (default: 10240).",
            valueName: "n"))
    var resultsMib: String?

    @Option(
        help: ArgumentHelp(
            "How many MiB of output one command may write until it is killed (default: 64).",
            valueName: "n"))
    var outputMib: String?

    @Option(
        help: ArgumentHelp(
            "For how many days the records of commands are kept (default: 90).", valueName: "n"))
    var recordDays: String?

    @Option(
        help: ArgumentHelp(
            "How long a command that changes something may wait for its start (default: 60).",
            valueName: "s"))
    var writerStartSeconds: String?

    @Option(
        help: ArgumentHelp(
            "How long any other command may wait for its start (default: 600).", valueName: "s"))
    var readerStartSeconds: String?

    @Option(
        help: ArgumentHelp(
            "trace, debug, info (default), notice, warning, error or critical.", valueName: "level")
    )
    var logLevel: String?

    /// File, then variables, then flags.
    func settings() throws -> Settings {
        let environment = ProcessInfo.processInfo.environment
        var values: Settings.Values = [:]
        if let path = config ?? environment["BOATHOOK_CONFIG"] {
            values = try SettingsFile.read(path)
        }
        for setting in Setting.allCases {
            if let text = environment[setting.variable] {
                values[setting] = (text, setting.variable)
            }
            if let text = flagValue(setting) { values[setting] = (text, setting.flag) }
        }
        return try Settings(values)
    }

    private func flagValue(_ setting: Setting) -> String? {
        switch setting {
        case .dataDir: dataDir
        case .listen: listen
        case .publicURL: publicURL
        case .engine: engine
        case .adopt: adopt
        case .policy: policy
        case .machinePolicy: machinePolicy
        case .createInstances: createInstances
        case .slots: slots
        case .instanceProcesses: instanceProcesses
        case .instanceNetwork: instanceNetwork
        case .ports: ports
        case .publicAddress: publicAddress
        case .sshListen: sshListen
        case .price: price
        case .location: location
        case .compatibility: compatibility
        case .concurrency: concurrency
        case .resultHours: resultHours
        case .resultsMiB: resultsMib
        case .outputMiB: outputMib
        case .recordDays: recordDays
        case .writerStartSeconds: writerStartSeconds
        case .readerStartSeconds: readerStartSeconds
        case .logLevel: logLevel
        }
    }
}
