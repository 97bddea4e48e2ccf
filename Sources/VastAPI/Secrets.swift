/// The body of `POST`, `PUT` and `DELETE /api/v0/secrets/` (contract 7.3).
package struct SecretsRequest: Sendable, Hashable, Codable {
    package var key: JSONValue?
    package var value: JSONValue?
    /// Many at once, with POST: a list of objects with `key` and `value`.
    package var envVars: JSONValue?

    enum CodingKeys: String, CodingKey {
        case key, value
        case envVars = "env_vars"
    }

    package init(key: JSONValue? = nil, value: JSONValue? = nil, envVars: JSONValue? = nil) {
        self.key = key
        self.value = value
        self.envVars = envVars
    }
}

/// `GET /api/v0/secrets/`: names, with stars in the place of the values.
package struct SecretsReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var secrets: [String: String]

    package init(names: [String]) {
        self.success = true
        self.secrets = Dictionary(uniqueKeysWithValues: names.map { ($0, Self.mask) })
    }

    private static let mask = "********"
}
