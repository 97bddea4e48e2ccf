/// `GET /api/v0/commands/{id}/`: everything that is known of one command.
///
/// Boathook's own.
///
/// Times are Unix seconds. `stdout` and `stderr` hold the text when the stream is at most 64 KiB
/// and UTF-8; otherwise they are null and `output_url` has the bytes.
package struct CommandRow: Sendable, Hashable, Codable {
    package var id: Int64
    package var instanceID: Int64
    package var command: String
    /// queued, dispatched, running, exited, signalled, timed_out, cancelled, denied, lost or expired.
    package var state: String
    /// Whether the state is one that never changes again.
    package var final: Bool
    /// Which start of the tool the output is of; nil before its start.
    package var run: String?
    package var exitCode: Int?
    package var signal: Int?
    /// What a person should know beside the state, such as why it was lost.
    package var note: String?
    package var stdout: String?
    package var stderr: String?
    package var stdoutBytes: Int64?
    package var stderrBytes: Int64?
    package var outputBytes: Int64?
    /// Of stdout and stderr together in their order of arrival; lower-case hexadecimal.
    package var sha256: String?
    /// False when a limit or an interruption cut the output short.
    package var complete: Bool?
    package var createdAt: Double
    package var startedAt: Double?
    package var finishedAt: Double?
    /// What the jail took, in seconds, from spawn to end of output; nil until it ended.
    package var runtime: Double?
    package var decision: JSONValue
    /// What a command that removes has removed; null for others, and where it is not known.
    package var removal: RemovalRow?
    package var outputURL: String

    enum CodingKeys: String, CodingKey {
        case id, command, state, final, run, signal, note, stdout, stderr, sha256, complete, runtime
        case decision, removal
        case instanceID = "instance_id"
        case exitCode = "exit_code"
        case stdoutBytes = "stdout_bytes"
        case stderrBytes = "stderr_bytes"
        case outputBytes = "output_bytes"
        case createdAt = "created_at"
        case startedAt = "started_at"
        case finishedAt = "finished_at"
        case outputURL = "output_url"
    }

    package init(
        id: Int64, instanceID: Int64, command: String, state: String, final: Bool, run: String?,
        exitCode: Int?,
        signal: Int?, note: String?, stdoutBytes: Int64?, stderrBytes: Int64?, outputBytes: Int64?,
        sha256: String?, complete: Bool?, createdAt: Double, startedAt: Double?,
        finishedAt: Double?, runtime: Double?, decision: JSONValue, removal: RemovalRow?,
        outputURL: String
    ) {
        self.id = id
        self.instanceID = instanceID
        self.command = command
        self.state = state
        self.final = final
        self.run = run
        self.exitCode = exitCode
        self.signal = signal
        self.note = note
        self.stdoutBytes = stdoutBytes
        self.stderrBytes = stderrBytes
        self.outputBytes = outputBytes
        self.sha256 = sha256
        self.complete = complete
        self.createdAt = createdAt
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.runtime = runtime
        self.decision = decision
        self.removal = removal
        self.outputURL = outputURL
    }
}

extension CommandRow {
    /// Every key stands in every row; what is not known is null.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(instanceID, forKey: .instanceID)
        try container.encode(command, forKey: .command)
        try container.encode(state, forKey: .state)
        try container.encode(final, forKey: .final)
        try container.encode(run, forKey: .run)
        try container.encode(exitCode, forKey: .exitCode)
        try container.encode(signal, forKey: .signal)
        try container.encode(note, forKey: .note)
        try container.encode(stdout, forKey: .stdout)
        try container.encode(stderr, forKey: .stderr)
        try container.encode(stdoutBytes, forKey: .stdoutBytes)
        try container.encode(stderrBytes, forKey: .stderrBytes)
        try container.encode(outputBytes, forKey: .outputBytes)
        try container.encode(sha256, forKey: .sha256)
        try container.encode(complete, forKey: .complete)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(startedAt, forKey: .startedAt)
        try container.encode(finishedAt, forKey: .finishedAt)
        try container.encode(runtime, forKey: .runtime)
        try container.encode(decision, forKey: .decision)
        try container.encode(removal, forKey: .removal)
        try container.encode(outputURL, forKey: .outputURL)
    }
}

/// `GET /api/v0/commands/`: the account's commands, newest first.
package struct CommandListReply: Sendable, Hashable, Codable {
    package var commands: [CommandRow]

    package init(commands: [CommandRow]) {
        self.commands = commands
    }
}

/// `DELETE /api/v0/commands/{id}/output`.
package struct DeleteOutputReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String

    package init(msg: String) {
        success = true
        self.msg = msg
    }
}

/// `DELETE /api/v0/commands/{id}/`: what the cancellation met.
package struct CancelReply: Sendable, Hashable, Codable {
    package var success: Bool
    /// The state that the command was in when the request arrived.
    package var state: String
    package var msg: String

    package init(success: Bool, state: String, msg: String) {
        self.success = success
        self.state = state
        self.msg = msg
    }
}

/// What a command removed, or, of a dry run, would remove.
package struct RemovalRow: Sendable, Hashable, Codable {
    /// False for a dry run.
    package var removed: Bool
    /// Files, folders, links.
    package var entries: Int64
    /// Of the disk, freed: the writable layer's and the volumes'; what comes from the image stays.
    package var bytes: Int64
    /// The first of the paths, in the order in which they go; odd bytes as `\\xNN`.
    package var paths: [String]
    /// Whether those are all.
    package var pathsComplete: Bool
    /// Of a dry run: what a plan is compared by.
    package var digest: String?

    enum CodingKeys: String, CodingKey {
        case removed, entries, bytes, paths, digest
        case pathsComplete = "paths_complete"
    }

    package init(
        removed: Bool, entries: Int64, bytes: Int64, paths: [String], pathsComplete: Bool,
        digest: String?
    ) {
        self.removed = removed
        self.entries = entries
        self.bytes = bytes
        self.paths = paths
        self.pathsComplete = pathsComplete
        self.digest = digest
    }
}
