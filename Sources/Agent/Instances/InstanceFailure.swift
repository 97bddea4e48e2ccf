internal import ContainerEngine

/// Why an instance is not as it is wished, for its owner.
struct InstanceFailure: Error, Sendable, Hashable, CustomStringConvertible {
    let description: String
    /// Whether trying again changes nothing.
    let isFinal: Bool
    /// What this machine's operator wants to know beside; never told to an owner.
    var cause = ""

    init(_ description: String, isFinal: Bool = false) {
        self.description = description
        self.isFinal = isFinal
    }

    /// - Parameter error: What was thrown on the way.
    init(_ error: any Error) {
        switch error {
        case let failure as InstanceFailure: self = failure
        case let error as EngineError where error.code == .unreachable:
            self.init("the container engine does not answer")
            cause = error.message
        case let error as EngineError: self.init(error.message, isFinal: error.code == .impossible)
        default:
            // Of a call that was broken off, a file that cannot be written: names of this machine's own parts.
            self.init("the machine could not do it, and its log says why")
            cause = "\(error)"
        }
    }

    /// For the machine's log.
    var logText: String { cause.isEmpty ? message : "\(message): \(cause)" }

    /// What is told: engines and registries say long things.
    var message: String {
        var text = ""
        for scalar in description.unicodeScalars {
            guard text.utf8.count + 4 <= Self.maximumByteCount else { break }
            let isControl = scalar.properties.generalCategory == .control
            text.unicodeScalars.append(isControl ? " " : scalar)
        }
        return text
    }

    private static let maximumByteCount = 1000
}
