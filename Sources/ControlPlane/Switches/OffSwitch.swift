/// Something that the operator has switched off: no new command of it is accepted, and none that waits is started.
package struct OffSwitch: Sendable, Hashable {
    /// What is off.
    package enum Target: Sendable, Hashable {
        case everything
        case program(String)
        case instance(Instance.ID)
        case machine(Machine.ID)
    }

    package var target: Target
    /// For those who are refused; may be empty.
    package var reason: String
    /// Unix seconds.
    package var since: Double

    package init(target: Target, reason: String, since: Double) {
        self.target = target
        self.reason = reason
        self.since = since
    }

    /// Whether a command is meant.
    func covers(program: String?, instance: Instance.ID, machine: Machine.ID) -> Bool {
        switch target {
        case .everything: true
        case .program(let name): program.map { $0.utf8.elementsEqual(name.utf8) } ?? false
        case .instance(let id): id == instance
        case .machine(let id): id == machine
        }
    }

    /// One sentence for those who are refused.
    var message: String {
        let what =
            switch target {
            case .everything: "Commands are"
            case .program(let name): "\(name) is"
            case .instance: "This instance is"
            case .machine: "The machine of this instance is"
            }
        return "\(what) switched off by the operator" + (reason.isEmpty ? "." : ": \(reason)")
    }
}

extension OffSwitch.Target: CustomStringConvertible {
    /// `everything`, `program rm`, `instance 5`, `machine 2`: as stores keep it and people read it.
    package var description: String {
        switch self {
        case .everything: "everything"
        case .program(let name): "program \(name)"
        case .instance(let id): "instance \(id)"
        case .machine(let id): "machine \(id)"
        }
    }

    /// - Parameter description: As ``description`` writes it; nil for anything else.
    package init?(_ description: String) {
        let words = description.split(separator: " ", maxSplits: 1).map(String.init)
        switch (words.first, words.count) {
        case ("everything", 1): self = .everything
        case ("program", 2): self = .program(words[1])
        case ("instance", 2):
            guard let id = Int64(words[1]) else { return nil }
            self = .instance(id)
        case ("machine", 2):
            guard let id = Int64(words[1]) else { return nil }
            self = .machine(id)
        default: return nil
        }
    }
}
