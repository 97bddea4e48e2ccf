internal import AgentLink
internal import CommandPolicy
internal import Glibc
internal import Jail

/// Finds out what an `rm` would take, by the host's `find` in the same view, read-only.
///
/// Blocks, as the jail does.
struct RemovalSurveyor {
    /// The jail's plan of the `rm` itself.
    let plan: JailPlan
    /// The layer that holds what the instance has written, on this host.
    let upper: String
    let jail: Jail

    /// A survey that was not done to its end; nothing is known.
    enum Failure: Error, Sendable, Hashable {
        case ended(JailEnd.Cause)
        case unreadable
        case tooLarge
    }

    /// What was found.
    struct Finding: Sendable {
        var removal: Removal
        /// Operands that are not there.
        var missing: [String]
    }

    /// More is not counted; an `rm` of as much would take longer than any allows.
    static let maximumEntryCount = 20_000_000

    /// - Parameters:
    ///   - deadline: Until when it must be done.
    ///   - cancellation: Ends it.
    ///   - wantsDigest: Whether the removal's digest is wanted.
    ///   - each: Told of each file, in rm's order.
    /// - Returns: What would go.
    /// - Throws: ``Failure``, `JailError`, and what `each` throws.
    func survey(
        until deadline: ContinuousClock.Instant, cancellation: JailCancellation,
        wantsDigest: Bool = false,
        each: (SurveyRecord, RemovalSurvey.Fate) throws -> Void = { _, _ in }
    ) throws -> Finding {
        let options = try Self.options(of: plan.arguments)
        var whole = RemovalSurvey(
            options: options.options,
            mountPoints: plan.blockers + plan.volumes.map(\.destination),
            countedDevices: Self.devices(of: plan.volumes), wantsDigest: wantsDigest)
        try run(
            (plan.view, true), options.operands, until: deadline, cancellation, into: &whole, each)
        // What is freed of the instance's own lies in its writable layer; the image's stays.
        var written = RemovalSurvey(options: options.options)
        try run(
            (.layers([upper]), false), options.operands, until: deadline, cancellation,
            into: &written
        ) { _, _ in }
        let missing = options.operands.filter {
            !whole.operands.contains(Array(Self.searchable($0).utf8))
        }
        return Finding(
            removal: Removal(
                entries: whole.entries, bytes: whole.bytes + written.bytes, paths: whole.paths,
                digest: wantsDigest ? whole.digest() : nil),
            missing: options.options.ignoresMissing ? [] : missing)
    }

    private func run(
        _ seen: (view: JailPlan.View, keepsMounts: Bool), _ operands: [String],
        until deadline: ContinuousClock.Instant, _ cancellation: JailCancellation,
        into survey: inout RemovalSurvey, _ each: (SurveyRecord, RemovalSurvey.Fate) throws -> Void
    ) throws {
        var search = plan
        search.tool = "/usr/bin/find"
        search.view = seen.view
        search.writes = false
        if !seen.keepsMounts {
            search.guards = []
            search.protected = []
            search.volumes = []
            search.blockers = []
            search.blocksLiveMounts = false
        }
        search.arguments =
            ["find", "-P"] + operands.map(Self.searchable) + [
                "-depth", "-printf", SurveyRecord.format,
            ]
        search.limits.wallTime = deadline - .now
        // Nothing of it is kept.
        search.limits.outputByteCount = .max
        guard search.limits.wallTime > .zero else { throw Failure.ended(.timedOut) }
        let end = try jail.run(search, cancellation: cancellation, ready: {}) { stream, bytes in
            // Complaints are about what rm will complain about itself.
            guard stream == .stdout else { return }
            try survey.append(bytes, each: each)
            if survey.entries > Self.maximumEntryCount { throw Failure.tooLarge }
        }
        switch end.cause {
        case .exited: break
        case .sinkFailed: throw end.sinkFailure ?? Failure.unreadable
        default: throw Failure.ended(end.cause)
        }
        if survey.isBroken { throw Failure.unreadable }
    }

    /// What an `rm` is told: its operands, and the options that matter here.
    ///
    /// The words have passed the policy's table, so each is known.
    static func options(
        of arguments: [String]
    ) throws -> (options: RemovalSurvey.Options, operands: [String]) {
        var options = RemovalSurvey.Options()
        var operands: [String] = []
        var isOver = false
        for word in arguments.dropFirst() {
            let bytes = Array(word.utf8)
            if isOver || bytes.count < 2 || bytes[0] != UInt8(ascii: "-") {
                operands.append(word)
            } else if word == "--" {
                isOver = true
            } else if bytes[1] == UInt8(ascii: "-") {
                options.isRecursive = options.isRecursive || word == "--recursive"
                options.takesEmptyFolders = options.takesEmptyFolders || word == "--dir"
                options.ignoresMissing = options.ignoresMissing || word == "--force"
            } else {
                let letters = bytes.dropFirst()
                options.isRecursive =
                    options.isRecursive || letters.contains(UInt8(ascii: "r"))
                    || letters.contains(UInt8(ascii: "R"))
                options.takesEmptyFolders =
                    options.takesEmptyFolders || letters.contains(UInt8(ascii: "d"))
                options.ignoresMissing =
                    options.ignoresMissing || letters.contains(UInt8(ascii: "f"))
            }
        }
        return (options, operands)
    }

    /// An operand so that `find` takes it for a starting point, and a link for the link.
    static func searchable(_ operand: String) -> String {
        var bytes = Array(operand.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        let special = Set("-(!,)".utf8)
        if let first = bytes.first, special.contains(first) { bytes = Array("./".utf8) + bytes }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func devices(of volumes: [JailPlan.Volume]) -> Set<Int64> {
        var devices: Set<Int64> = []
        for volume in volumes {
            var status = stat()
            if stat(volume.source, &status) == 0 { devices.insert(Int64(status.st_dev)) }
        }
        return devices
    }
}
