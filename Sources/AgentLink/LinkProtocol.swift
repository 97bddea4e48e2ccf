/// What both ends of the link agree on beside the messages.
package enum LinkProtocol {
    /// Raised when an old peer would misread a message.
    ///
    /// A server refuses an agent of another version with 426.
    package static let version = 5

    /// `POST`, bearer join token: ``JoinRequest`` → ``JoinReply``.
    package static let joinPath = "/agent/v1/join"
    /// `POST`, bearer machine token: ``AgentHello`` → a stream of ``SignedLine``s, a ``ServerMessage`` in each;
    /// the server's nonce in the header ``attachmentHeader``.
    package static let linkPath = "/agent/v1/link"
    /// `POST`, bearer machine token: an array of ``AgentMessage``; 204.
    package static let reportsPath = "/agent/v1/reports"
    /// `POST`, bearer machine token: a ``CommandFinished`` behind a ``ReportHead``, and the output as ``OutputFrame``s; 204
    /// once the server holds all of it durably.
    ///
    /// A refusal that is final has the header ``refusalHeader``.
    package static let resultsPath = "/agent/v1/results"

    /// `POST`, bearer machine token, with a ``SendOutput/relayID`` behind it: what was written so far and is
    /// written from then on, as ``OutputFrame``s in the body, at the pace of those who read; 204 when the
    /// tool has ended or nobody reads any more.
    package static let outputPath = "/agent/v1/output/"

    /// The server's nonce of an attachment; see ``LinkStatement/Attachment``.
    package static let attachmentHeader = "Boathook-Attachment"
    /// Which start of the tool an output is of; see ``CommandFinished/run``.
    package static let runHeader = "Boathook-Run"
    /// The server itself will not have this report, now or later; whoever stands between the two may answer 404, too.
    package static let refusalHeader = "Boathook-Refused"

    /// Seconds between heartbeats on an idle line.
    package static let heartbeatSeconds = 10
    /// Seconds of silence after which the agent holds the line for dead.
    package static let silenceSeconds = 30
    /// The longest line either side reads, in bytes.
    package static let maximumLineByteCount = 1 << 20
}

/// A machine that joins.
package struct JoinRequest: Sendable, Hashable, Codable {
    /// For people: the machine's host name.
    package var name: String
    /// What the answer must be an answer to.
    package var nonce: LinkNonce

    package init(name: String, nonce: LinkNonce) {
        self.name = name
        self.nonce = nonce
    }
}

/// What the machine keeps: its identity from then on.
package struct JoinReply: Sendable, Hashable, Codable {
    package var machineID: Int64
    /// 256 bits; the server keeps its digest alone.
    package var machineToken: String
    /// Of ``LinkStatement/join(nonce:machineID:tokenDigest:)``, in URL-safe base64.
    package var signature: String

    enum CodingKeys: String, CodingKey {
        case signature
        case machineID = "machine_id"
        case machineToken = "machine_token"
    }

    package init(machineID: Int64, machineToken: String, signature: String) {
        self.machineID = machineID
        self.machineToken = machineToken
        self.signature = signature
    }
}
