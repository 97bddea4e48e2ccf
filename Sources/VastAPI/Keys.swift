/// The body of `POST /api/v0/auth/apikeys/` (contract 7.1).
///
/// Every field is an open value, because a wrong type must become a message.
package struct CreateKeyRequest: Sendable, Hashable, Codable {
    package var name: JSONValue?
    /// A permission file: `{"api": {…}}`, and Boathook's own keys beside `api`.
    package var permissions: JSONValue?
    /// Ids for the wildcards in `permissions`: an object, or its JSON text, as the command line sends it.
    package var keyParams: JSONValue?

    enum CodingKeys: String, CodingKey {
        case name, permissions
        case keyParams = "key_params"
    }

    package init(name: JSONValue?, permissions: JSONValue?, keyParams: JSONValue? = nil) {
        self.name = name
        self.permissions = permissions
        self.keyParams = keyParams
    }
}

/// The 200 of `POST /api/v0/auth/apikeys/`; the only place where a key stands.
package struct CreateKeyReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var id: Int64
    package var key: String
    /// What the key got.
    package var permissions: JSONValue
    /// Unix seconds; null for never.
    package var expiresAt: Double?

    enum CodingKeys: String, CodingKey {
        case success, id, key, permissions
        case expiresAt = "expires_at"
    }

    package init(id: Int64, key: String, permissions: JSONValue, expiresAt: Double?) {
        self.success = true
        self.id = id
        self.key = key
        self.permissions = permissions
        self.expiresAt = expiresAt
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(id, forKey: .id)
        try container.encode(key, forKey: .key)
        try container.encode(permissions, forKey: .permissions)
        try container.encode(expiresAt, forKey: .expiresAt)  // null, not absent
    }
}

/// `GET /api/v0/auth/apikeys/{id}/`, and a row of the list: a key without itself (contract 7.1).
package struct KeyRow: Sendable, Hashable, Codable {
    package var id: Int64
    package var userID: Int64
    package var name: String
    /// What the key may do; `{}` for everything.
    package var permissions: JSONValue
    /// Unix seconds; null for never.
    package var expiresAt: Double?

    enum CodingKeys: String, CodingKey {
        case id, name, key, permissions, rights
        case userID = "user_id"
        case keyType = "key_type"
        case teamID = "team_id"
        case teamName = "team_name"
        case teamOwner = "team_owner"
        case expiresAt = "expires_at"
    }

    package init(
        id: Int64, userID: Int64, name: String, permissions: JSONValue, expiresAt: Double?
    ) {
        self.id = id
        self.userID = userID
        self.name = name
        self.permissions = permissions
        self.expiresAt = expiresAt
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        id = try container.decode(Int64.self, forKey: .id)
        userID = try container.decode(Int64.self, forKey: .userID)
        name = try container.decode(String.self, forKey: .name)
        permissions = try container.decode(JSONValue.self, forKey: .permissions)
        expiresAt = try container.decodeIfPresent(Double.self, forKey: .expiresAt)
    }

    /// Upstream's columns too: the key is never shown again, there are no teams, and `rights` is its other name
    /// of the permissions.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(userID, forKey: .userID)
        try container.encode(name, forKey: .name)
        try container.encodeNil(forKey: .key)
        try container.encode("api", forKey: .keyType)
        try container.encode(permissions, forKey: .permissions)
        try container.encode(permissions, forKey: .rights)
        try container.encodeNil(forKey: .teamID)
        try container.encodeNil(forKey: .teamName)
        try container.encodeNil(forKey: .teamOwner)
        try container.encode(expiresAt, forKey: .expiresAt)
    }
}

/// `GET /api/v0/auth/apikeys/`.
package struct KeyListReply: Sendable, Hashable, Codable {
    package var apikeys: [KeyRow]

    package init(apikeys: [KeyRow]) {
        self.apikeys = apikeys
    }

    /// The whole body of `DELETE /api/v0/auth/apikeys/{id}/`, as upstream documents it.
    package static let deleted = "Successfully Deleted API Key"
}

/// The 200 of `PUT /api/v0/commands/reset_apikey/`; the old key is unknown from then on.
package struct ResetKeyReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var newAPIKey: String

    enum CodingKeys: String, CodingKey {
        case success
        case newAPIKey = "new_api_key"
    }

    package init(newAPIKey: String) {
        self.success = true
        self.newAPIKey = newAPIKey
    }
}
