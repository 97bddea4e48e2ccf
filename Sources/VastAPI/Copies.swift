/// The body of `PUT` and `DELETE /api/v0/commands/copy_direct/` and `…/rsync/` (contract 9).
///
/// Every field is an open value, because a wrong type must become a message.
package struct CopyRequest: Sendable, Hashable, Codable {
    /// Where from: an instance's id, alone or behind `C.`; `local` or null for the caller's own machine.
    package var sourceID: JSONValue?
    package var destinationID: JSONValue?
    package var sourcePath: JSONValue?
    package var destinationPath: JSONValue?

    enum CodingKeys: String, CodingKey {
        case sourceID = "src_id"
        case destinationID = "dst_id"
        case sourcePath = "src_path"
        case destinationPath = "dst_path"
    }
}

/// What an rsync client is pointed at: the instance's side, under the names of the side that it is on.
package struct CopyReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var msg: String
    package var sourceAddress: String?
    package var sourcePort: Int?
    package var destinationAddress: String?
    package var destinationPort: Int?

    enum CodingKeys: String, CodingKey {
        case success, msg
        case sourceAddress = "src_addr"
        case sourcePort = "src_port"
        case destinationAddress = "dst_addr"
        case destinationPort = "dst_port"
    }

    package init(success: Bool = true, msg: String) {
        self.success = success
        self.msg = msg
    }
}
