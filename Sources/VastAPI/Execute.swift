/// The body of `PUT /api/v0/instances/command/{id}/` (seed page; contract 1.1).
///
/// Only `command` is upstream's; the others are Boathook's own and may be left out. `instance_id`
/// comes from replayed scheduled jobs and is tolerated. Every field is an open value here, because
/// a wrong type must become upstream's own message, not a decoding error.
package struct ExecuteRequest: Sendable, Hashable, Codable {
    package var command: JSONValue?
    /// The command as words, instead of `command`; no quoting is read.
    package var argv: JSONValue?
    /// Wall-clock limit in seconds, 1 to 86,400.
    package var timeout: JSONValue?
    /// Answer the decision; run nothing, or, of a command that removes, list what it would take.
    package var dryRun: JSONValue?
    /// On what it runs: `merged` (all files, the default) or `writable` (what the instance wrote itself).
    package var view: JSONValue?
    /// The `plan` of a dry run: remove only what it listed.
    package var plan: JSONValue?

    enum CodingKeys: String, CodingKey {
        case command, argv, timeout, view, plan
        case dryRun = "dry_run"
    }

    package init(
        command: String, timeout: Int? = nil, dryRun: Bool? = nil, view: String? = nil,
        plan: Int64? = nil
    ) {
        self.view = view.map { .string($0) }
        self.plan = plan.map { .int($0) }
        self.command = .string(command)
        self.timeout = timeout.map { .int(Int64($0)) }
        self.dryRun = dryRun.map { .bool($0) }
    }
}

/// The 200 of `execute`.
///
/// `success`, `writeable_path`, `result_url` and `msg` are the seed page's; known clients ignore
/// the others (contract 14).
package struct ExecuteReply: Sendable, Hashable, Codable {
    package var success: Bool
    /// Always empty: 0.x clients delete this string wherever it stands in the output (contract 1.2).
    package var writeablePath: String
    /// Absolute; carries its own authority.
    package var resultURL: String
    package var msg: String
    package var commandID: Int64
    /// Absolute; needs the API key.
    package var statusURL: String
    /// Of the dry run of a command that removes: its id, by which it can be applied once it has ended.
    package var plan: Int64?
    /// Of a dry run: the decision.
    package var decision: JSONValue?
    /// The command as it stood when the caller's `Prefer: wait` was over; nil unless asked for.
    package var result: CommandRow?

    enum CodingKeys: String, CodingKey {
        case success, msg, result, plan, decision
        case writeablePath = "writeable_path"
        case resultURL = "result_url"
        case commandID = "command_id"
        case statusURL = "status_url"
    }

    package init(
        resultURL: String, commandID: Int64, statusURL: String, result: CommandRow? = nil,
        preview decision: JSONValue? = nil
    ) {
        self.decision = decision
        plan = decision == nil ? nil : commandID
        self.success = true
        self.writeablePath = ""
        self.resultURL = resultURL
        msg = decision == nil ? Self.executing : Self.listing
        self.commandID = commandID
        self.statusURL = statusURL
        self.result = result
    }

    /// Of a dry run that lists.
    package static let listing =
        "Nothing is removed: the result_url will list what would go; send its plan to remove just that"

    /// Upstream's sentence (seed page).
    package static let executing =
        "Command is executing, wait a few seconds and then view the result_url"
}

/// The 200 of `execute` with `"dry_run": true`: the decision; nothing was stored or run.
package struct DryRunReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var decision: JSONValue

    package init(decision: JSONValue) {
        self.success = true
        self.decision = decision
    }
}
