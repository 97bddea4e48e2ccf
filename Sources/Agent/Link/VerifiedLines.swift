package import AgentLink

/// The lines of one attachment: each is the server's own, for this machine and this attachment, and the next one.
package struct VerifiedLines: Sendable {
    private let key: ServerPublicKey
    private let attachment: LinkStatement.Attachment
    private var sequence: UInt64 = 0

    package init(_ attachment: LinkStatement.Attachment, key: ServerPublicKey) {
        self.attachment = attachment
        self.key = key
    }

    /// The message of the next line; nothing of a line is read as a message before this.
    ///
    /// - Parameter line: Without its line feed.
    /// - Returns: The bytes that the server signed.
    /// - Throws: ``ForgedLine``; nothing that comes after it on this attachment is to be believed.
    package mutating func message(of line: some Collection<UInt8>) throws -> [UInt8] {
        guard let line = SignedLine(line) else { throw ForgedLine.unsigned(at: sequence) }
        guard line.sequence == sequence else {
            throw ForgedLine.outOfTurn(line.sequence, at: sequence)
        }
        let statement = LinkStatement.line(line.message, at: sequence, of: attachment)
        guard key.signed(statement, as: line.signature) else {
            throw ForgedLine.signature(at: sequence)
        }
        sequence += 1
        return line.message
    }
}

/// A line of the link that the server did not send so: somebody else wrote, changed, repeated, left out or moved it,
/// or this is another server.
package enum ForgedLine: Error, Sendable, Hashable, CustomStringConvertible {
    /// Not `SEQUENCE SIGNATURE MESSAGE`.
    case unsigned(at: UInt64)
    /// Not the next one.
    case outOfTurn(UInt64, at: UInt64)
    /// Not the server's signature, or not of these bytes, or not for this machine and attachment.
    case signature(at: UInt64)
    /// The answer does not say which attachment it is.
    case noAttachment

    package var description: String {
        switch self {
        case .unsigned(let place): "line \(place) of the link is not signed"
        case .outOfTurn(let number, let place):
            "line \(place) of the link says that it is line \(number)"
        case .signature(let place):
            "line \(place) of the link is not signed by this machine's server for this link"
        case .noAttachment: "the link says nothing of which attachment it is"
        }
    }
}
