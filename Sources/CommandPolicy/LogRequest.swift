/// What somebody wants of an instance's log, as a command's words.
///
/// The server writes the words, the machine reads them; no text that a caller sends is ever read as these. No
/// policy has a rule for it: a log shows what an instance's processes chose to print, and no file.
package struct LogRequest: Sendable, Hashable {
    /// Which log.
    package enum Source: Sendable, Hashable {
        /// What the container's first process has printed, and those that share its output.
        case container
        /// What the machine's agent did with the instance of this id.
        case agent(instance: Int64)
    }

    package var source: Source
    /// How many of the last lines; of those, ``filter`` takes its share.
    package var tail: Int
    /// Bytes that a line must contain; nil for every line.
    package var filter: String?
    /// Whether to go on with what is printed from then on, until the container stops.
    package var follows: Bool

    package init(
        _ source: Source = .container, tail: Int = Self.defaultTail, filter: String? = nil,
        follows: Bool = false
    ) {
        self.source = source
        self.tail = tail
        self.filter = filter
        self.follows = follows
    }

    /// What stock clients say is the default (contract 2).
    package static let defaultTail = 1000
    package static let tails = 0...100_000
    /// In UTF-8.
    package static let maximumFilterByteCount = 512

    /// Seconds for which a log is read, and for which one is followed.
    private static let wallSeconds = 60
    private static let followSeconds = 86_400
}

// As words.
extension LogRequest {
    /// `logs --tail 1000 --filter TEXT`, always in this order.
    package var argv: [String] {
        var words = [Self.program]
        if case .agent(let instance) = source { words += ["--daemon", "\(instance)"] }
        words += ["--tail", "\(tail)"]
        if let filter { words += ["--filter", filter] }
        if follows { words.append("--follow") }
        return words
    }

    /// - Parameter argv: As ``argv`` writes it; nil for anything else.
    package init?(argv: [String]) {
        var rest = argv[...]
        func take(_ word: String) -> Bool {
            guard let first = rest.first, first.hasSameBytes(as: word) else { return false }
            rest.removeFirst()
            return true
        }
        guard take(Self.program) else { return nil }
        self.init()
        if take("--daemon") {
            guard let instance = rest.popFirst().flatMap({ Int64($0) }) else { return nil }
            source = .agent(instance: instance)
        }
        guard take("--tail"), let tail = rest.popFirst().flatMap({ Int($0) }) else { return nil }
        self.tail = tail
        if take("--filter") {
            guard let filter = rest.popFirst() else { return nil }
            self.filter = filter
        }
        follows = take("--follow")
        // One spelling for each request, and nothing out of bounds.
        guard rest.isEmpty, isSound, self.argv.hasSameBytes(as: argv) else { return nil }
    }

    /// Whether its numbers and texts are within their bounds.
    package var isSound: Bool {
        let byteCount = filter?.utf8.count ?? 1
        return Self.tails.contains(tail) && (1...Self.maximumFilterByteCount).contains(byteCount)
            && !(follows && source != .container)
    }

    private static let program = "logs"
}

// As a decision.
extension LogRequest {
    /// What is kept, sent and shown of it.
    ///
    /// - Parameter scope: How far the caller's key reaches.
    /// - Returns: The decision, with its reason.
    package func decision(scope: CommandScope = .everything) -> Decision {
        let command = ParsedCommand.rendering(argv).text
        var decision = Decision(
            verdict: .allow, policy: Self.rule.policy, rule: Self.rule.id, command: command,
            argv: argv,
            limits: CommandLimits(wallSeconds: follows ? Self.followSeconds : Self.wallSeconds))
        decision.backend = .logs
        if let reason = refusal(scope) {
            decision.verdict = .deny
            decision.limits = nil
            decision.denial = .init(code: CommandError.Code.notGranted.description, message: reason)
        }
        return decision
    }

    private func refusal(_ scope: CommandScope) -> String? {
        if !scope.grants(Self.rule) {
            return "This key may not read logs; its commands would have to name \(Self.rule.id)."
        }
        // What is printed tells of files wherever they lie.
        return scope.paths == nil ? nil : "This key is bound to paths, and a log is not."
    }

    /// Stands in no policy; for its name in keys and records.
    private static let rule = ProgramRule(
        policy: "boathook", program: Self.program, backend: .logs)
}

extension [String] {
    fileprivate func hasSameBytes(as other: [String]) -> Bool {
        count == other.count && zip(self, other).allSatisfy { $0.hasSameBytes(as: $1) }
    }
}
