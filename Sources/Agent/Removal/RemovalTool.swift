internal import AgentLink
internal import Jail
internal import NIOPosix

/// An `rm` with eyes open: what would go is known before, and what has gone after.
struct RemovalTool: CommandTool {
    let jail: Jail
    let threads: NIOThreadPool
    let plan: JailPlan
    let surveyor: RemovalSurveyor
    let order: RemovalOrder
    /// The policy's bound.
    let entryLimit: Int64?

    func prepare(cancellation: JailCancellation) async throws -> RemovalSurveyor.Finding? {
        let isBound =
            entryLimit != nil || order.entryLimit != nil || order.byteLimit != nil
            || order.expectedDigest != nil
        // A mere receipt is not worth a long wait.
        let patience = isBound ? plan.limits.wallTime : min(plan.limits.wallTime, Self.patience)
        let finding: RemovalSurveyor.Finding?
        do {
            finding = try await threads.runIfActive { [surveyor, order] in
                try surveyor.survey(
                    until: .now + patience, cancellation: cancellation,
                    wantsDigest: order.expectedDigest != nil)
            }
        } catch RemovalSurveyor.Failure.ended(.cancelled) {
            throw CommandRefusal(.cancelled, "cancelled before it started")
        } catch let failure as RemovalSurveyor.Failure {
            if failure.isOfOutdatedContainer { throw OutdatedContainer() }
            if case .ended(.notStarted(let step, let code)) = failure {
                throw CommandRefusal(
                    .denied, JailEnd.refusal(step: step, code: code, guards: plan.guards))
            }
            if case .linkWithSlash = failure {
                throw CommandRefusal(.denied, failure.reason)
            }
            guard !isBound else {
                throw CommandRefusal(
                    .denied,
                    "what would go could not be counted (\(failure.reason)); nothing was removed")
            }
            finding = nil
        }
        if let finding { try check(finding.removal) }
        return finding
    }

    private func check(_ removal: Removal) throws(CommandRefusal) {
        if let expected = order.expectedDigest, removal.digest != expected {
            throw CommandRefusal(
                .denied,
                """
                the files are not those of the plan any more; now \(removal.entries) of \
                \(removal.bytes) bytes would go, so plan again; nothing was removed
                """)
        }
        if let limit = [entryLimit, order.entryLimit].compactMap({ $0 }).min(),
            removal.entries > limit
        {
            throw CommandRefusal(
                .denied,
                "\(removal.entries) files and folders would go, and at most \(limit) may; nothing was removed"
            )
        }
        if let limit = order.byteLimit, removal.bytes > limit {
            throw CommandRefusal(
                .denied,
                "\(removal.bytes) bytes would be freed, and at most \(limit) may; nothing was removed"
            )
        }
    }

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        var run = try await JailedTool(jail: jail, threads: threads, plan: plan).run(
            into: file, live: live, keeps: keeps, cancellation: cancellation, after: nil,
            ready: ready)
        switch run.end.cause {
        case .notStarted: return run
        case .exited(code: 0): run.removal = finding?.removal
        default: run.removal = try? await remaining(of: finding?.removal)
        }
        run.removal?.digest = nil
        if run.removal == nil { run.notes.append("what it removed could not be counted") }
        return run
    }

    /// What has gone, when not everything may have.
    private func remaining(of before: Removal?) async throws -> Removal? {
        guard var gone = before else { return nil }
        let (after, there) = try await threads.runIfActive { [surveyor, gone] in
            let told = Set(gone.paths)
            var there: Set<String> = []
            let after = try surveyor.survey(
                until: .now + Self.patience, cancellation: JailCancellation()
            ) { record, _ in
                let path = RemovalSurvey.printable(record.path)
                if told.contains(path) { there.insert(path) }
            }
            return (after, there)
        }
        gone.entries = max(0, gone.entries - after.removal.entries)
        gone.bytes = max(0, gone.bytes - after.removal.bytes)
        gone.paths.removeAll(where: there.contains)
        return gone
    }

    private static let patience = Duration.seconds(20)
}

/// An `rm` that only lists what it would take.
///
/// One path a line on standard output, in the order in which they would go; on standard error what would stay, and why.
struct RemovalPreview: CommandTool {
    let threads: NIOThreadPool
    let surveyor: RemovalSurveyor

    func run(
        into file: SpoolFile, live: LiveOutput, keeps: Bool, cancellation: JailCancellation,
        after finding: RemovalSurveyor.Finding?, ready: @escaping @Sendable () -> Void
    ) async throws -> ToolRun {
        try await threads.runIfActive {
            let started = ContinuousClock.now
            var listing = try PreviewListing(
                file, live: live, limit: surveyor.plan.limits.outputByteCount)
            ready()
            do {
                let finding = try surveyor.survey(
                    until: started + surveyor.plan.limits.wallTime, cancellation: cancellation,
                    wantsDigest: true
                ) { record, fate in try listing.add(record, fate) }
                for operand in finding.missing {
                    try listing.complain("\(operand): there is no such file or folder")
                }
                try listing.flush()
                let end = JailEnd(
                    cause: .exited(code: listing.hasComplaints ? 1 : 0), runtime: .now - started,
                    isCollected: true, ranOutOfMemory: false)
                return ToolRun(
                    end: end, output: SpoolCounts(listing.spool, flushes: false),
                    removal: finding.removal, notes: listing.notes)
            } catch let failure as RemovalSurveyor.Failure {
                guard case .ended(let cause) = failure else {
                    throw CommandRefusal(.denied, failure.reason)
                }
                if case .notStarted = cause, failure.isOfOutdatedContainer {
                    throw OutdatedContainer()
                }
                let end = JailEnd(
                    cause: cause, runtime: .now - started, isCollected: true,
                    ranOutOfMemory: false)
                return ToolRun(end: end, output: SpoolCounts(listing.spool, flushes: false))
            }
        }
    }
}

/// The output of a preview.
private struct PreviewListing: ~Copyable {
    private(set) var spool: OutputSpool
    private let limit: Int
    private var buffer: [UInt8] = []
    private var byteCount = 0
    private(set) var hasComplaints = false
    private var isCut = false

    init(_ file: SpoolFile, live: LiveOutput, limit: Int) throws(SpoolError) {
        spool = try OutputSpool(file, live: live)
        self.limit = limit
    }

    var notes: [String] {
        isCut ? ["the listing was cut at \(limit) bytes; the counts are of everything"] : []
    }

    mutating func add(_ record: SurveyRecord, _ fate: RemovalSurvey.Fate) throws {
        let path = RemovalSurvey.printable(record.path)
        switch fate {
        case .goes:
            guard reserve(path.utf8.count + 1) else { return }
            buffer.append(contentsOf: path.utf8)
            buffer.append(UInt8(ascii: "\n"))
            if buffer.count >= 1 << 16 { try flush() }
        case .stays(let reason):
            // What is below a folder that stays is not worth a line each.
            if record.depth > 0 && reason == "below a folder" { return }
            try complain("\(path): stays, since it is \(reason)")
        }
    }

    mutating func complain(_ line: String) throws {
        hasComplaints = true
        try flush()
        let bytes = Array((line + "\n").utf8)
        guard reserve(bytes.count) else { return }
        try bytes.withUnsafeBytes { try spool.append(.stderr, $0) }
    }

    mutating func flush() throws {
        guard !buffer.isEmpty else { return }
        try buffer.withUnsafeBytes { try spool.append(.stdout, $0) }
        buffer = []
    }

    private mutating func reserve(_ count: Int) -> Bool {
        guard byteCount + count <= limit else {
            isCut = true
            return false
        }
        byteCount += count
        return true
    }
}

extension RemovalSurveyor.Failure {
    /// For the person who sent the command.
    fileprivate var reason: String {
        switch self {
        case .ended(.timedOut): "there was not enough time"
        case .ended(let cause): "the search ended: \(cause)"
        case .linkWithSlash(let path):
            "\(path) is a link: leave the slash out to remove it, or name what is in the folder that it leads to"
        case .unreadable: "the search gave something that cannot be read"
        case .tooLarge: "there are more than \(RemovalSurveyor.maximumEntryCount) files and folders"
        }
    }

    /// Whether the root was not there as a mount.
    fileprivate var isOfOutdatedContainer: Bool {
        guard case .ended(let cause) = self else { return false }
        return cause.isOfOutdatedContainer
    }
}
