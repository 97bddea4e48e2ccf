/// The body of every error: `{"success": false, "error": …, "msg": …}` (contract 0.3).
///
/// `msg` is never absent, because clients print nothing else. A 429 has `detail` beside it: that is
/// all that upstream's has.
package struct ErrorReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var error: String
    package var msg: String
    package var detail: String?
    /// Why a command was refused, for programs; never with `vast-strict`.
    package var denial: JSONValue?
    /// The offer that a create named (contract 4).
    package var askID: Int64?

    enum CodingKeys: String, CodingKey {
        case success, error, msg, detail, denial
        case askID = "ask_id"
    }

    package init(error: String, msg: String, detail: String? = nil, denial: JSONValue? = nil) {
        self.success = false
        self.error = error
        self.msg = msg
        self.detail = detail
        self.denial = denial
    }
}
