/// `GET /api/v0/users/current`: flat, and free of anything billed (contract 7.3).
package struct UserReply: Sendable, Hashable, Codable {
    package var id: Int64
    package var username: String
    package var email: String
    package var emailVerified: Bool
    package var balance: Double
    package var credit: Double
    package var hasBilling: Bool
    package var sshKey: String
    /// Always empty: a key is shown when it is made and never again.
    ///
    /// Old clients take the field out of the answer without looking whether it is there.
    package var apiKey: String
    /// Read once by the 1.9.1 CLI to choose its role (contract 0.1).
    package var hostAgreementAccepted: Bool

    enum CodingKeys: String, CodingKey {
        case id, username, email, balance, credit
        case emailVerified = "email_verified"
        case hasBilling = "has_billing"
        case sshKey = "ssh_key"
        case apiKey = "api_key"
        case hostAgreementAccepted = "host_agreement_accepted"
    }

    package init(id: Int64, username: String) {
        self.id = id
        self.username = username
        self.email = "\(username)@boathook.invalid"
        self.emailVerified = true
        self.balance = 0
        self.credit = 0
        self.hasBilling = true
        self.sshKey = ""
        self.apiKey = ""
        self.hostAgreementAccepted = true
    }
}

/// `GET /api/v0/gpu_names/unique/` (contract 0.1); asked without a key when the 1.x CLI starts.
package struct GPUNamesReply: Sendable, Hashable, Codable {
    package var gpuNames: [String]

    enum CodingKeys: String, CodingKey { case gpuNames = "gpu_names" }

    package init(gpuNames: [String]) {
        self.gpuNames = gpuNames
    }
}
