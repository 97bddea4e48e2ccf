/// A row of `GET /api/v0/audit_logs/` (contract 7.3).
package struct AuditLogRow: Sendable, Hashable, Codable {
    /// Null where nobody noted it.
    package var ipAddress: String?
    package var apiKeyID: Int64?
    /// Unix seconds.
    package var createdAt: Double
    /// Method and path, as the routes are described.
    package var apiRoute: String
    /// What was asked for; never a secret.
    package var args: [String: JSONValue]
    /// Boathook's own: what it was, and its number in the log.
    package var event: String
    package var id: Int64

    enum CodingKeys: String, CodingKey {
        case args, event, id
        case ipAddress = "ip_address"
        case apiKeyID = "api_key_id"
        case createdAt = "created_at"
        case apiRoute = "api_route"
    }

    package init(
        id: Int64, event: String, ipAddress: String?, apiKeyID: Int64?, createdAt: Double,
        apiRoute: String, args: [String: JSONValue]
    ) {
        self.id = id
        self.event = event
        self.ipAddress = ipAddress
        self.apiKeyID = apiKeyID
        self.createdAt = createdAt
        self.apiRoute = apiRoute
        self.args = args
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(event, forKey: .event)
        try container.encode(ipAddress, forKey: .ipAddress)  // null, not absent
        try container.encode(apiKeyID, forKey: .apiKeyID)
        try container.encode(createdAt, forKey: .createdAt)
        try container.encode(apiRoute, forKey: .apiRoute)
        try container.encode(args, forKey: .args)
    }
}

/// `GET /api/v1/audit_logs/`: a page of them.
package struct AuditLogPage: Sendable, Hashable, Codable {
    package var success: Bool
    package var totalLogs: Int64
    package var logsFound: Int
    package var auditLogs: [AuditLogRow]
    /// Opaque; null on the last page.
    package var nextToken: String?

    enum CodingKeys: String, CodingKey {
        case success
        case totalLogs = "total_logs"
        case logsFound = "logs_found"
        case auditLogs = "audit_logs"
        case nextToken = "next_token"
    }

    package init(totalLogs: Int64, auditLogs: [AuditLogRow], nextToken: String?) {
        self.success = true
        self.totalLogs = totalLogs
        self.logsFound = auditLogs.count
        self.auditLogs = auditLogs
        self.nextToken = nextToken
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(totalLogs, forKey: .totalLogs)
        try container.encode(logsFound, forKey: .logsFound)
        try container.encode(auditLogs, forKey: .auditLogs)
        try container.encode(nextToken, forKey: .nextToken)  // null, not absent
    }
}

/// A row of `GET /api/v0/users/me/ipaddrs`, under the names of both of upstream's descriptions.
package struct AddressRow: Sendable, Hashable, Codable {
    package var userID: Int64
    package var ip: String
    package var ipAddress: String
    /// RFC 3339, in whole seconds.
    package var firstSeen: String
    package var timestamp: String
    /// Empty: nobody is asked where an address is.
    package var firstLocation: String

    enum CodingKeys: String, CodingKey {
        case ip, timestamp
        case userID = "user_id"
        case ipAddress = "ip_address"
        case firstSeen = "first_seen"
        case firstLocation = "first_location"
    }

    package init(userID: Int64, address: String, firstSeen: String) {
        self.userID = userID
        self.ip = address
        self.ipAddress = address
        self.firstSeen = firstSeen
        self.timestamp = firstSeen
        self.firstLocation = ""
    }
}

/// `GET /api/v0/users/me/ipaddrs`.
package struct AddressListReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var results: [AddressRow]

    package init(results: [AddressRow]) {
        self.success = true
        self.results = results
    }
}
