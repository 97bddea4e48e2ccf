/// Why a login cannot do what it was made for; for the one who logs in.
struct SessionError: Error, CustomStringConvertible {
    let description: String
    /// What the SSH client ends with.
    let status: Int32

    /// 255 is what ssh itself ends with when a connection is of no use (ssh(1), "EXIT STATUS").
    init(_ description: String, status: Int32 = 255) {
        self.description = description
        self.status = status
    }

    static let clientIsGone = SessionError("the client is gone")
    static let agentHasEnded = SessionError("Boathook was stopped on this machine")
}
