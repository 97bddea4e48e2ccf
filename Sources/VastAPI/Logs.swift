/// The body of `PUT /api/v0/instances/request_logs/{id}/` (contract 2).
///
/// Every field is an open value and may be left out: stock clients send `tail` and `daemon_logs` as strings. `follow` is
/// Boathook's own.
package struct LogsRequest: Sendable, Hashable, Codable {
    /// How many of the last lines; a number or its digits.
    package var tail: JSONValue?
    /// What a line must contain.
    package var filter: JSONValue?
    /// `"true"`: what the machine did with the instance, instead of what the instance printed.
    package var daemonLogs: JSONValue?
    /// Whether to go on until the container stops or somebody cancels it.
    package var follow: JSONValue?

    enum CodingKeys: String, CodingKey {
        case tail, filter, follow
        case daemonLogs = "daemon_logs"
    }

    package init(
        tail: Int? = nil, filter: String? = nil, daemonLogs: Bool = false, follow: Bool = false
    ) {
        self.tail = tail.map { .string("\($0)") }
        self.filter = filter.map { .string($0) }
        self.daemonLogs = daemonLogs ? .string("true") : nil
        self.follow = follow ? .bool(true) : nil
    }
}

/// The 200 of `PUT /api/v0/instances/request_logs/{id}/`.
///
/// `success`, `result_url` and `msg` are upstream's; the others are Boathook's own, as in ``ExecuteReply``.
package struct LogsReply: Sendable, Hashable, Codable {
    package var success: Bool
    /// Absolute; carries its own authority.
    package var resultURL: String
    /// What 0.x clients print when the log is not there in time.
    package var msg: String
    package var commandID: Int64
    package var statusURL: String
    package var result: CommandRow?

    enum CodingKeys: String, CodingKey {
        case success, msg, result
        case resultURL = "result_url"
        case commandID = "command_id"
        case statusURL = "status_url"
    }

    package init(resultURL: String, commandID: Int64, statusURL: String) {
        success = true
        self.resultURL = resultURL
        msg = "The log is being read; the result_url has it as soon as it is complete"
        self.commandID = commandID
        self.statusURL = statusURL
    }
}
