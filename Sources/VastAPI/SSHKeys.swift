/// The body of `POST /api/v0/ssh/`, `PUT /api/v0/ssh/{id}/` and `POST /api/v0/instances/{id}/ssh/` (contract 6).
///
/// Every field is an open value, because a wrong type must become a message.
package struct SSHKeyRequest: Sendable, Hashable, Codable {
    package var sshKey: JSONValue?
    /// The instance, in the place of the one in the path.
    package var instanceID: JSONValue?

    enum CodingKeys: String, CodingKey {
        case sshKey = "ssh_key"
        case instanceID = "instance_id"
    }

    package init(sshKey: JSONValue?, instanceID: JSONValue? = nil) {
        self.sshKey = sshKey
        self.instanceID = instanceID
    }
}

/// A row of `GET /api/v0/ssh/`.
package struct SSHKeyRow: Sendable, Hashable, Codable {
    package var id: Int64
    package var userID: Int64
    package var publicKey: String
    /// RFC 3339, in whole seconds.
    package var createdAt: String

    enum CodingKeys: String, CodingKey {
        case id, key
        case userID = "user_id"
        case publicKey = "public_key"
        case createdAt = "created_at"
        case deletedAt = "deleted_at"
    }

    package init(id: Int64, userID: Int64, publicKey: String, createdAt: String) {
        self.id = id
        self.userID = userID
        self.publicKey = publicKey
        self.createdAt = createdAt
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Int64.self, forKey: .id)
        userID = try container.decode(Int64.self, forKey: .userID)
        publicKey = try container.decode(String.self, forKey: .publicKey)
        createdAt = try container.decode(String.self, forKey: .createdAt)
    }

    /// With the key under both of upstream's names; a deleted one has no row.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(userID, forKey: .userID)
        try container.encode(publicKey, forKey: .publicKey)
        try container.encode(publicKey, forKey: .key)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encodeNil(forKey: .deletedAt)
    }
}

/// The 200 of `POST /api/v0/ssh/` and `PUT /api/v0/ssh/{id}/`.
package struct SSHKeyReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var key: SSHKeyRow

    package init(key: SSHKeyRow) {
        self.success = true
        self.key = key
    }
}

/// The 200 of the calls on one instance's keys; what is in it is JSON in a string, as upstream has it.
package struct InstanceSSHKeyReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String?
    /// The key's row, as JSON text.
    package var key: String?
    /// A list of rows, as JSON text.
    package var sshKeys: String?

    enum CodingKeys: String, CodingKey {
        case success, msg, key
        case sshKeys = "ssh_keys"
    }

    package init(
        success: Bool = true, msg: String? = nil, key: String? = nil, sshKeys: String? = nil
    ) {
        self.success = success
        self.msg = msg
        self.key = key
        self.sshKeys = sshKeys
    }
}

/// `{"success": …, "msg": …}`, where that is all there is to say.
package struct PlainReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String?

    package init(success: Bool = true, msg: String? = nil) {
        self.success = success
        self.msg = msg
    }
}
