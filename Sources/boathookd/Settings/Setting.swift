/// One setting: a key of the configuration file, a flag and a variable of the same name.
///
/// `listen` is `--listen` and `BOATHOOK_LISTEN`; `data_dir` is `--data-dir` and `BOATHOOK_DATA_DIR`. A
/// flag counts more than the variable, the variable more than the file.
enum Setting: String, CaseIterable, Sendable {
    /// Where everything is kept.
    case dataDir = "data_dir"
    /// `HOST:PORT` to listen on; port 0 takes a free one.
    case listen
    /// What URLs for callers begin with.
    case publicURL = "public_url"
    /// `unix:///PATH` of the container engine.
    case engine
    /// Which containers become instances.
    case adopt
    /// What callers may run: the name of a shipped policy, or a file.
    case policy
    /// What may run on this machine, whatever the server allows: the same.
    case machinePolicy = "machine_policy"
    /// Whether instances may be made on this machine, and how many there may be at a time.
    case createInstances = "create_instances"
    case slots
    /// How many processes and threads each may have.
    case instanceProcesses = "instance_processes"
    /// The network that they get, and the machine's ports behind which they are reached.
    case instanceNetwork = "instance_network"
    case ports
    /// Where callers from outside reach this machine.
    case publicAddress = "public_address"
    /// Where instances are logged into by SSH.
    case sshListen = "ssh_listen"
    /// What an hour of it costs, in dollars, and where it stands.
    case price
    case location
    /// How much like upstream `execute` behaves.
    case compatibility
    /// How many commands one machine runs at once.
    case concurrency
    /// For how many hours a result is kept.
    case resultHours = "result_hours"
    /// How many MiB of the disk all results take.
    case resultsMiB = "results_mib"
    /// How many MiB of output one command may write.
    case outputMiB = "output_mib"
    /// For how many days a command's record is kept.
    case recordDays = "record_days"
    /// For how many seconds a command that changes something may wait for its start; and any other.
    case writerStartSeconds = "writer_start_seconds"
    case readerStartSeconds = "reader_start_seconds"
    /// The least important message that is logged.
    case logLevel = "log_level"

    var flag: String { "--" + rawValue.replacing("_", with: "-") }
    var variable: String { "BOATHOOK_" + rawValue.uppercased() }
}

/// A setting that cannot be used; says where it was set.
struct SettingError: Error, CustomStringConvertible {
    let description: String

    init(_ source: String, _ problem: String) {
        description = "\(source): \(problem)"
    }
}
