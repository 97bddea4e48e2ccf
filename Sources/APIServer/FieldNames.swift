internal import AgentLink
internal import HTTPTypes

extension HTTPField.Name {
    static let host = constant("Host")
    static let referrerPolicy = constant("Referrer-Policy")
    static let idempotencyKey = constant("Idempotency-Key")
    /// RFC 7240; the names are constants that the grammar of field names allows.
    static let prefer = constant("Prefer")
    static let preferenceApplied = constant("Preference-Applied")
    /// RFC 9530.
    static let reprDigest = constant("Repr-Digest")
    static let commandState = constant("Boathook-State")
    static let commandExitCode = constant("Boathook-Exit-Code")
    static let commandComplete = constant("Boathook-Complete")
    static let run = constant(LinkProtocol.runHeader)
    static let attachment = constant(LinkProtocol.attachmentHeader)
    /// HTML standard, section 9.2.4.
    static let lastEventID = constant("Last-Event-ID")
    static let refusal = constant(LinkProtocol.refusalHeader)

    private static func constant(_ name: String) -> HTTPField.Name {
        guard let name = HTTPField.Name(name) else {
            preconditionFailure("\(name) is a field name")
        }
        return name
    }
}
