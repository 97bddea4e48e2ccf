/// The body of `PUT /api/v0/instances/update_template/{id}/` (contract 3.5).
///
/// Every field is an open value, because a wrong type must become a message.
package struct UpdateInstanceRequest: Sendable, Hashable, Codable {
    package var id: JSONValue?
    package var templateID: JSONValue?
    package var templateHash: JSONValue?
    package var image: JSONValue?
    /// A list of words, or one text of them, as the official client sends it.
    package var args: JSONValue?
    package var env: JSONValue?
    package var onstart: JSONValue?
    package var imageLogin: JSONValue?
    package var disk: JSONValue?
    package var recycle: JSONValue?

    enum CodingKeys: String, CodingKey {
        case id, image, args, env, onstart, disk, recycle
        case templateID = "template_id"
        case templateHash = "template_hash_id"
        case imageLogin = "image_login"
    }

    /// What it says of an instance, in the words of a create.
    package var creation: CreateInstanceRequest {
        var request = CreateInstanceRequest()
        request.image = image
        request.env = env
        request.onstart = onstart
        request.imageLogin = imageLogin
        request.templateID = templateID
        request.templateHash = templateHash
        if args?.string == nil {
            request.args = args
        } else {
            request.argsText = args
        }
        return request
    }
}

/// The 200 of an update.
package struct UpdateInstanceReply: Sendable, Hashable, Codable {
    package var success = true
    /// Its row; absent for a key that may not look at it.
    package var updatedInstance: InstanceRow?

    enum CodingKeys: String, CodingKey {
        case success
        case updatedInstance = "updated_instance"
    }

    package init(updatedInstance: InstanceRow?) {
        self.updatedInstance = updatedInstance
    }
}
