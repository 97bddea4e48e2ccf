/// `GET /api/v0/instances/{id}/destruction/`, Boathook's own.
package struct DestructionReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var id: Int64
    /// `none`, `pending` or `done`.
    package var state: String
    /// As in the instance's row; null when there is nothing more.
    package var actualStatus: String?
    package var statusMessage: String

    enum CodingKeys: String, CodingKey {
        case success, id, state
        case actualStatus = "actual_status"
        case statusMessage = "status_msg"
    }

    package init(id: Int64, state: String, actualStatus: String?, statusMessage: String) {
        self.success = true
        self.id = id
        self.state = state
        self.actualStatus = actualStatus
        self.statusMessage = statusMessage
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(success, forKey: .success)
        try container.encode(id, forKey: .id)
        try container.encode(state, forKey: .state)
        try container.encode(actualStatus, forKey: .actualStatus)  // null, not absent
        try container.encode(statusMessage, forKey: .statusMessage)
    }
}
