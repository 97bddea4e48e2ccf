/// `GET /api/v0/users/current`: flat, and free of anything billed (contract 7.3).
///
/// It has every column of the clients' tables; of those that are for billing, addresses and teams there is nothing to
/// tell.
package struct UserReply: Sendable, Hashable, Codable {
    package var id: Int64
    /// The key that asks.
    package var keyID: Int64
    package var username: String
    /// The newest of the account's SSH keys; empty without one.
    package var sshKey: String

    package init(id: Int64, keyID: Int64, username: String, sshKey: String) {
        self.id = id
        self.keyID = keyID
        self.username = username
        self.sshKey = sshKey
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Column.self)
        id = try container.decode(Int64.self, forKey: "id")
        keyID = try container.decode(Int64.self, forKey: "key_id")
        username = try container.decode(String.self, forKey: "username")
        sshKey = try container.decode(String.self, forKey: "ssh_key")
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Column.self)
        for (name, value) in Self.constant { try container.encode(value, forKey: Column(name)) }
        try container.encode(id, forKey: "id")
        try container.encode(keyID, forKey: "key_id")
        try container.encode(username, forKey: "username")
        try container.encode(username, forKey: "fullname")
        try container.encode("\(username)@boathook.invalid", forKey: "email")
        try container.encode(sshKey, forKey: "ssh_key")
    }

    /// The same for everybody.
    private static let constant: [String: JSONValue] = [
        // Always empty: a key is shown when it is made and never again. Old clients take the field out of the answer
        // without looking whether it is there.
        "api_key": .string(""),
        // Read once by the 1.9.1 CLI to choose its role (contract 0.1).
        "host_agreement_accepted": .bool(true),
        "balance": .double(0), "credit": .double(0), "balance_threshold": .double(0),
        "balance_threshold_enabled": .bool(false), "autobill_threshold": .null,
        "autobill_amount": .null, "billed_expected": .double(0), "billed_verified": .double(0),
        "billing_creditonly": .int(0), "can_pay": .bool(false), "has_billing": .bool(true),
        "has_payout": .bool(false), "got_signup_credit": .int(0), "last4": .string(""),
        "paid_expected": .double(0), "paid_verified": .double(0), "paypal_email": .null,
        "wise_email": .null, "rights": .null, "tfa_enabled": .bool(false),
        "email_verified": .bool(true), "phone_number": .null, "sid": .string(""),
        "billaddress_name": .string(""), "billaddress_line1": .string(""),
        "billaddress_line2": .string(""), "billaddress_city": .string(""),
        "billaddress_zip": .string(""), "billaddress_country": .string(""),
        "billaddress_taxinfo": .string(""),
    ]

    private struct Column: CodingKey, ExpressibleByStringLiteral {
        var stringValue: String
        var intValue: Int? { nil }

        init(_ name: String) { stringValue = name }
        init(stringLiteral name: String) { stringValue = name }
        init?(stringValue name: String) { stringValue = name }
        init?(intValue: Int) { nil }
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
