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
    /// Answer the decision; run nothing.
    package var dryRun: JSONValue?

    enum CodingKeys: String, CodingKey {
        case command, argv, timeout
        case dryRun = "dry_run"
    }

    package init(command: String, timeout: Int? = nil, dryRun: Bool? = nil) {
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
    /// The command as it stood when the caller's `Prefer: wait` was over; nil unless asked for.
    package var result: CommandRow?

    enum CodingKeys: String, CodingKey {
        case success, msg, result
        case writeablePath = "writeable_path"
        case resultURL = "result_url"
        case commandID = "command_id"
        case statusURL = "status_url"
    }

    package init(resultURL: String, commandID: Int64, statusURL: String, result: CommandRow? = nil)
    {
        self.success = true
        self.writeablePath = ""
        self.resultURL = resultURL
        self.msg = Self.executing
        self.commandID = commandID
        self.statusURL = statusURL
        self.result = result
    }

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
