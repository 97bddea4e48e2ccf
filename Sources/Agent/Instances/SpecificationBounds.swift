internal import AgentLink

/// How much one specification may ask of the machine, whatever the server lets through.
///
/// The engine starts two processes for each port, and a volume is a folder with a record of its own.
extension ContainerSpecification {
    /// What is too much; nil when nothing is.
    var excess: String? {
        guard ports.count <= Self.maximumPortCount else {
            return "\(ports.count) ports are too many; at most \(Self.maximumPortCount) are mapped"
        }
        guard volumes.count <= Self.maximumVolumeCount else {
            return
                "\(volumes.count) volumes are too many; at most \(Self.maximumVolumeCount) are mounted"
        }
        guard textByteCount <= Self.maximumTextByteCount else {
            return
                "what it is made from has \(textByteCount) bytes; at most \(Self.maximumTextByteCount) are taken"
        }
        return nil
    }

    /// Of all its words.
    private var textByteCount: Int {
        let words: [String] =
            switch program {
            case .image(let entrypoint, let arguments): (entrypoint ?? []) + (arguments ?? [])
            case .shell(let script): [script]
            }
        let places = ports.map(\.transport) + volumes.flatMap { [$0.name, $0.path] }
        let rest = [image, hostname ?? "", owner, label ?? ""]
        return (words + environment.flatMap { $0 } + places + rest).reduce(0) {
            $0 + $1.utf8.count
        }
    }

    // The server's own bounds (docs/instances.md, "Limits").
    static let maximumPortCount = 64
    static let maximumVolumeCount = 16
    static let maximumTextByteCount = 262_144
}
