internal import ArgumentParser
internal import FoundationEssentials
internal import VastAPI

/// Whether to wait for what was asked for, and how long.
struct WaitOptions: ParsableArguments {
    @Flag(help: "Return when it is so; on a terminal, say how far it is.")
    var wait = false

    @Option(help: ArgumentHelp("How long --wait waits (default: 600).", valueName: "s"))
    var timeout = 600

    func validate() throws {
        guard timeout > 0 else {
            throw ValidationError("--timeout is a positive number of seconds")
        }
    }

    /// Nil: not at all.
    var patience: Duration? { wait ? .seconds(timeout) : nil }
}

/// Follows instances until they are as wished.
struct InstanceWait {
    /// How an instance is to be.
    enum Goal: Sendable, Hashable {
        case running, stopped
        /// There is a container; whether it runs is nobody's concern.
        case made
        /// It was started anew.
        case restarted
        /// It has another container, in the state that is wished of it.
        case renewed
        case gone
    }

    /// How far one is.
    enum Progress: Sendable, Hashable {
        case done
        case pending(String)
        /// It is on its way only if it is soon seen otherwise.
        case ended(String)
        case failed(String)
    }

    let client: APIClient
    let goal: Goal
    /// The rows as they were before anything was asked for, by id; nil for new instances.
    let since: [Int64: InstanceRow]?

    /// - Parameters:
    ///   - ids: The instances.
    ///   - patience: How long to wait for all of them.
    /// - Throws: ``ClientError`` with status 124 when time is over, 1 when one of them will not be so.
    func callAsFunction(for ids: [Int64], patience: Duration) async throws {
        var line = ProgressLine()
        let deadline = ContinuousClock.now + patience
        var pending = ids
        var failures: [String] = []
        var former = since
        var ends: [Int64: ContinuousClock.Instant] = [:]
        // How far each was when it was last seen.
        var seen: [Int64: String] = [:]
        while true {
            var words: [String] = []
            for id in pending {
                let row: InstanceRow?
                do {
                    row = try await within(deadline - .now) {
                        try await client.patiently(for: client.timing.absence) {
                            try await look(at: id)
                        }
                    }
                } catch is Overdue {
                    words = pending.map {
                        "instance \($0): \(seen[$0] ?? "the server's answer did not come in time")"
                    }
                    break
                }
                var progress = Self.progress(to: goal, of: row, since: former?[id])
                if case .ended(let text) = progress {
                    let end = ends[id] ?? .now
                    ends[id] = end
                    progress =
                        .now - end < Self.startPatience
                        ? .pending(text)
                        : .failed("its program has ended, and was not started again")
                } else {
                    ends[id] = nil
                }
                switch progress {
                case .done: pending.removeAll { $0 == id }
                case .pending(let text), .ended(let text):
                    words.append("instance \(id): \(text)")
                    seen[id] = text
                    // The same failure again is news, once something else was said in between.
                    former?[id]?["status_msg"] = row?["status_msg"]
                case .failed(let text):
                    pending.removeAll { $0 == id }
                    failures.append("instance \(id): \(text)")
                }
            }
            guard !pending.isEmpty else { break }
            guard .now < deadline else {
                line.clear()
                throw ClientError(
                    "not within \(patience.components.seconds) s: \(words.joined(separator: "; "))",
                    exitCode: 124)
            }
            line.show(
                words.count == 1
                    ? words[0] : "\(ids.count - words.count) of \(ids.count); \(words[0])")
            try await Task.sleep(for: Self.pause)
        }
        line.clear()
        guard failures.isEmpty else {
            throw ClientError(failures.joined(separator: "\n"), exitCode: 1)
        }
    }

    /// The instance's row; nil when there is none.
    private func look(at id: Int64) async throws -> InstanceRow? {
        if goal == .gone {
            do {
                return Self.row(of: try await client.get(APIPath.destruction(instance: id)))
            } catch let error as ClientError where error.status == 404 {
                // A server that says no more than that the instance is there, or is not.
            }
        }
        let reply: InstanceReply = try await client.get(APIPath.instance(id))
        return reply.instances
    }

    /// What is left to be seen of an instance that is hidden from its owner: a row until its machine has said that it
    /// is gone.
    static func row(of destruction: DestructionReply) -> InstanceRow? {
        guard destruction.state != "done" else { return nil }
        return [
            "actual_status": .optional(destruction.actualStatus),
            "status_msg": .string(destruction.statusMessage), "is_settled": .bool(false),
        ]
    }

    /// How far an instance is.
    ///
    /// - Parameters:
    ///   - goal: How it is to be.
    ///   - row: How it is; nil when there is none.
    ///   - former: How it was before it was asked for; nil for a new one.
    /// - Returns: Done only when the machine has carried the wish out, as far as the server says so.
    static func progress(to goal: Goal, of row: InstanceRow?, since former: InstanceRow?)
        -> Progress
    {
        guard let row else {
            return goal == .gone ? .done : .failed("it is gone")
        }
        let status = row["actual_status"]?.string
        // Boathook's own column: without it, what is seen must do.
        let isSettled = row["is_settled"].map { $0 == .bool(true) }
        let message = row["status_msg"]?.string ?? ""
        let text = (status ?? "waiting for its machine") + (message.isEmpty ? "" : ", \(message)")
        let isNews = message != former?["status_msg"]?.string ?? ""
        if message.hasPrefix("Error"), isNews, isSettled != true { return .failed(message) }
        let isThere = isSettled ?? true
        switch goal {
        case .gone: return .pending(text)
        case .running where status == "running" && isThere: return .done
        case .running where status == "exited" && isSettled == true:
            return .failed(ended(message))
        case .stopped where ["exited", "created", "stopped"].contains(status) && isThere:
            return .done
        case .made where row["container_id"]?.string != nil && status != "loading" && isThere:
            return .done
        case .restarted:
            return restart(status, message, text, isNews: isNews) {
                row["start_date"]?.number != former?["start_date"]?.number
            }
        case .renewed where isThere && status != "loading" && hasNewContainer(row, former):
            let isToRun = row["intended_status"] == .string("running")
            if !isToRun || status == "running" { return .done }
            guard status == "exited", isSettled == true else { return .pending(text) }
            return .failed(ended(message))
        default: return .pending(text)
        }
    }

    /// With how it ended, as far as the machine says.
    private static func ended(_ message: String) -> String {
        if message.hasPrefix("Error") { return message }
        return "its program has ended" + (message.isEmpty ? "" : ": \(message)")
    }

    /// A reboot is no wish that the machine settles: what tells is when the program was started, and, where it could not be
    /// started, the engine's complaint.
    private static func restart(
        _ status: String?, _ message: String, _ text: String, isNews: Bool,
        hasStarted: () -> Bool
    ) -> Progress {
        switch status {
        case "running": hasStarted() ? .done : .pending(text)
        case "exited" where hasStarted():
            .failed(ended(message))
        case "exited" where isNews && !message.isEmpty: .failed(message)
        // Between the end of its program and the start of the next one; or that was all.
        case "exited": .ended(text)
        default: .pending(text)
        }
    }

    private static func hasNewContainer(_ row: InstanceRow, _ former: InstanceRow?) -> Bool {
        guard let container = row["container_id"]?.string else { return false }
        return container != former?["container_id"]?.string
    }

    /// How long an engine may take from a program's end to the start of the next one.
    private static let startPatience = Duration.seconds(30)
    private static let pause = Duration.milliseconds(300)
}
