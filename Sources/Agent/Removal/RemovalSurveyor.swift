internal import AgentLink
internal import CommandPolicy
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
        /// An operand that is a link and ends in a slash: `rm` would empty what it leads to, and fail.
        case linkWithSlash(String)
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
        try refuseLinksWithSlash(options.operands, until: deadline, cancellation)
        // Several may lie in one another through links.
        let places =
            options.operands.count > 1
            ? try self.places(of: options.operands, until: deadline, cancellation) : nil
        var whole = RemovalSurvey(
            options: options.options, operands: options.operands, places: places,
            mountPoints: plan.blockers + plan.volumes.map(\.destination),
            countedDevices: try volumeDevices(until: deadline, cancellation),
            wantsDigest: wantsDigest)
        try run(
            (plan.view, true), options.operands, until: deadline, cancellation, into: &whole, each)
        // What is freed of the instance's own lies in its writable layer; the image's stays.
        let (there, missing) = options.operands.partitioned {
            whole.operands.contains(Array(Self.stripped($0).utf8))
        }
        let written = places.map { places in
            zip(options.operands, places).filter { there.contains($0.0) }.map(\.1)
        }
        let bytes = try writtenBytes(
            written ?? there, options.options, until: deadline, cancellation)
        return Finding(
            removal: Removal(
                entries: whole.entries, bytes: whole.bytes + bytes, paths: whole.paths,
                digest: wantsDigest ? whole.digest() : nil),
            missing: options.options.ignoresMissing ? [] : missing)
    }

    /// What the writable layer holds of the operands.
    private func writtenBytes(
        _ operands: [String], _ options: RemovalSurvey.Options,
        until deadline: ContinuousClock.Instant, _ cancellation: JailCancellation
    ) throws -> Int64 {
        guard !operands.isEmpty else { return 0 }
        var written = RemovalSurvey(options: options, operands: operands)
        try run(
            (.layers([upper]), false), operands, until: deadline, cancellation, into: &written
        ) { _, _ in }
        // A link on the way to an operand may lie in a layer below, where this view does not reach.
        let hidden = operands.filter {
            !written.operands.contains(Array(Self.stripped($0).utf8))
        }
        guard !hidden.isEmpty else { return written.bytes }
        let resolved = try places(of: hidden, until: deadline, cancellation)
        var further = RemovalSurvey(options: options, operands: resolved)
        try run(
            (.layers([upper]), false), resolved, until: deadline, cancellation, into: &further
        ) { _, _ in }
        return written.bytes + further.bytes
    }

    /// Where operands really are: links on the way to them are followed, and they themselves are not.
    private func places(
        of operands: [String], until deadline: ContinuousClock.Instant,
        _ cancellation: JailCancellation
    ) throws -> [String] {
        let parents = operands.map { operand -> String in
            let path = Self.stripped(operand)
            guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "/" }
            return "/" + String(path[..<slash])
        }
        var found: [UInt8] = []
        try host(
            "realpath", ["-z", "-m", "--"] + parents, (plan.view, true), until: deadline,
            cancellation
        ) { found.append(contentsOf: $0) }
        let folders = found.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
        // A loop of links has no place; such operands are taken for what they seem to be.
        guard folders.count == operands.count else { return operands.map(PathPrefix.normalized) }
        return zip(folders, operands).map { folder, operand in
            PathPrefix.normalized(
                folder + "/" + (Self.stripped(operand).split(separator: "/").last ?? ""))
        }
    }

    /// The devices of the volumes, as far as they are attached.
    ///
    /// Asked inside the jail: a volume may lie in a file system that answers nobody, and of those who wait there
    /// only a tool can be set aside.
    private func volumeDevices(
        until deadline: ContinuousClock.Instant, _ cancellation: JailCancellation
    ) throws -> Set<Int64> {
        guard !plan.volumes.isEmpty else { return [] }
        var found: [UInt8] = []
        // A narrowed view may begin in a volume. What the jail's own table of mounts calls a volume is one.
        try host(
            "find",
            ["-P"] + plan.volumes.map(\.destination) + plan.paths + [
                "-maxdepth", "0", "-printf", #"%F %D\0"#,
            ],
            (plan.view, true), until: deadline, cancellation
        ) { found.append(contentsOf: $0) }
        let devices = found.split(separator: 0).compactMap { record -> Int64? in
            let words = record.split(separator: UInt8(ascii: " "))
            guard words.count == 2, words[0].elementsEqual("volume".utf8) else { return nil }
            return Int64(String(decoding: words[1], as: UTF8.self))
        }
        return Set(devices)
    }

    private func refuseLinksWithSlash(
        _ operands: [String], until deadline: ContinuousClock.Instant,
        _ cancellation: JailCancellation
    ) throws {
        let slashed = operands.filter { $0.utf8.count > 1 && $0.utf8.last == UInt8(ascii: "/") }
        guard !slashed.isEmpty else { return }
        var kinds: [UInt8] = []
        try host(
            "find",
            ["-P"] + slashed.map(Self.searchable) + [
                "-maxdepth", "0", "-type", "l", "-printf", #"%p\0"#,
            ],
            (plan.view, true), until: deadline, cancellation
        ) { kinds.append(contentsOf: $0) }
        guard let link = kinds.split(separator: 0).first else { return }
        throw Failure.linkWithSlash(RemovalSurvey.printable(link))
    }

    private func run(
        _ seen: (view: JailPlan.View, keepsMounts: Bool), _ operands: [String],
        until deadline: ContinuousClock.Instant, _ cancellation: JailCancellation,
        into survey: inout RemovalSurvey, _ each: (SurveyRecord, RemovalSurvey.Fate) throws -> Void
    ) throws {
        try host(
            "find",
            ["-P"] + operands.map(Self.searchable) + ["-depth", "-printf", SurveyRecord.format],
            seen,
            until: deadline, cancellation
        ) { bytes in
            try survey.append(bytes, each: each)
            if survey.entries > Self.maximumEntryCount { throw Failure.tooLarge }
        }
        if survey.isBroken { throw Failure.unreadable }
    }

    /// Runs a tool of the host in the view, read-only; what it complains about, `rm` will complain about itself.
    private func host(
        _ program: String, _ arguments: [String],
        _ seen: (view: JailPlan.View, keepsMounts: Bool),
        until deadline: ContinuousClock.Instant, _ cancellation: JailCancellation,
        output: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        var search = plan
        search.tool = "/usr/bin/" + program
        search.arguments = [program] + arguments
        search.view = seen.view
        search.writes = false
        if !seen.keepsMounts {
            search.guards = []
            search.protected = []
            search.volumes = []
            search.blockers = []
            search.blocksLiveMounts = false
        }
        search.limits.wallTime = deadline - .now
        // Nothing of it is kept.
        search.limits.outputByteCount = .max
        guard search.limits.wallTime > .zero else { throw Failure.ended(.timedOut) }
        let end = try jail.run(search, cancellation: cancellation, ready: {}) { stream, bytes in
            if stream == .stdout { try output(bytes) }
        }
        if let failure = end.sinkFailure { throw failure }
        switch end.cause {
        case .exited: break
        default: throw Failure.ended(end.cause)
        }
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
        isPrefixed(operand) ? "./" + stripped(operand) : stripped(operand)
    }

    /// Whether `find` would take the operand for something else.
    static func isPrefixed(_ operand: String) -> Bool {
        operand.utf8.first.map(Set("-(!,)".utf8).contains) ?? false
    }

    /// Without slashes at its end.
    static func stripped(_ operand: String) -> String {
        var bytes = Array(operand.utf8)
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension Array {
    /// Those for which it holds, and the others.
    fileprivate func partitioned(_ holds: (Element) -> Bool) -> ([Element], [Element]) {
        (filter(holds), filter { !holds($0) })
    }
}
