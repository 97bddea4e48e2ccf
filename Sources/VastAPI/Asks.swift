/// The body of `PUT /api/v0/asks/{id}/` (contract 4).
///
/// Every field is an open value, because a wrong type must become a message; clients send many as null or
/// false.
package struct CreateInstanceRequest: Sendable, Hashable, Codable {
    package var image: JSONValue?
    package var env: JSONValue?
    package var disk: JSONValue?
    package var runtype: JSONValue?
    package var onstart: JSONValue?
    package var args: JSONValue?
    package var argsText: JSONValue?
    package var imageLogin: JSONValue?
    package var price: JSONValue?
    package var label: JSONValue?
    package var cancelUnavailable: JSONValue?
    package var templateHash: JSONValue?
    package var templateID: JSONValue?
    package var targetState: JSONValue?
    package var useSSH: JSONValue?
    package var vm: JSONValue?
    package var volumeInfo: JSONValue?
    package var user: JSONValue?
    /// Of `POST /api/v0/asks/bulk/` alone.
    package var ids: JSONValue?
    /// Of `PUT /api/v0/launch_instance/` alone: what to search for.
    package var query: JSONValue?

    enum CodingKeys: String, CodingKey {
        case image, env, disk, runtype, onstart, args, price, label, vm, ids, user
        case argsText = "args_str"
        case imageLogin = "image_login"
        case cancelUnavailable = "cancel_unavail"
        case templateHash = "template_hash_id"
        case templateID = "template_id"
        case targetState = "target_state"
        case useSSH = "use_ssh"
        case volumeInfo = "volume_info"
        case query = "q"
    }
}

/// The 200 of a create.
package struct CreateInstanceReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var newContract: Int64
    /// The instance's own key; the only other place where it stands is the instance.
    package var instanceKey: String

    enum CodingKeys: String, CodingKey {
        case success
        case newContract = "new_contract"
        case instanceKey = "instance_api_key"
    }

    package init(success: Bool, newContract: Int64, instanceKey: String) {
        self.success = success
        self.newContract = newContract
        self.instanceKey = instanceKey
    }
}

/// The answer of `POST /api/v0/asks/bulk/`.
package struct BulkCreateReply: Sendable, Hashable, Codable {
    package struct Item: Sendable, Hashable, Codable {
        package var askID: Int64
        package var success: Bool
        package var newContract: Int64?
        package var state: String?
        package var error: String?
        package var msg: String?

        enum CodingKeys: String, CodingKey {
            case success, state, error, msg
            case askID = "ask_id"
            case newContract = "new_contract"
        }

        package init(
            askID: Int64, success: Bool, newContract: Int64? = nil, state: String? = nil,
            error: String? = nil, msg: String? = nil
        ) {
            self.askID = askID
            self.success = success
            self.newContract = newContract
            self.state = state
            self.error = error
            self.msg = msg
        }
    }

    package var success: Bool
    package var results: [Item]
    package var created: [Int64]
    package var failed: [Int64]
    /// Seconds.
    package var elapsed: Double

    package init(results: [Item], elapsed: Double) {
        success = results.contains(where: \.success)
        self.results = results
        created = results.compactMap(\.newContract)
        failed = results.filter { !$0.success }.map(\.askID)
        self.elapsed = elapsed
    }
}

/// The body of `PUT` and `DELETE /api/v0/instances/…` (contract 3.5).
package struct ChangeInstanceRequest: Sendable, Hashable, Codable {
    package var state: JSONValue?
    package var label: JSONValue?
    package var ids: JSONValue?
    package var instanceIDs: JSONValue?

    enum CodingKeys: String, CodingKey {
        case state, label, ids
        case instanceIDs = "instance_ids"
    }
}

/// The 200 of most changes: what happened, or, with upstream's 200s that are none, what did not.
package struct ChangeReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var error: String?
    package var msg: String?

    package init(success: Bool, error: String? = nil, msg: String? = nil) {
        self.success = success
        self.error = error
        self.msg = msg
    }
}

/// The answer of every search for offers: rows with upstream's columns (contract 5).
package struct OffersReply: Sendable, Hashable, Codable {
    package var success: Bool
    package var offers: [[String: JSONValue]]

    package init(offers: [[String: JSONValue]]) {
        success = true
        self.offers = offers
    }
}
