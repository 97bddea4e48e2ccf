package import CommandPolicy

extension Policy {
    /// `ls`, `rm` and `du`, as the hosted service documents its `execute`: the default of servers.
    package static let vast = shipped(PackageResources.vast_yaml, known: [])
    /// What reads files as well.
    package static let inspect = shipped(PackageResources.inspect_yaml, known: [vast])
    /// What asks running instances about processes and GPUs as well: all that is shipped.
    package static let diagnose = shipped(PackageResources.diagnose_yaml, known: [vast, inspect])

    /// The shipped policies, each within the next.
    package static var shipped: [Policy] { [vast, inspect, diagnose] }

    /// The documents of the shipped policies, for people to read.
    package static func document(ofShipped name: String) -> [UInt8]? {
        switch name {
        case "vast": PackageResources.vast_yaml
        case "inspect": PackageResources.inspect_yaml
        case "diagnose": PackageResources.diagnose_yaml
        default: nil
        }
    }

    private static func shipped(_ document: [UInt8], known: [Policy]) -> Policy {
        do throws(PolicyProblems) {
            return try PolicyDocument.policy(
                String(decoding: document, as: UTF8.self), known: known)
        } catch {
            // They are part of the program: its tests read each of them.
            preconditionFailure("a shipped policy cannot be read: \(error)")
        }
    }
}
