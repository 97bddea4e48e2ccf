internal import ControlPlane
internal import FoundationEssentials
internal import VastAPI

extension TemplateAccess {
    /// The template that a create names, if it names one.
    ///
    /// - Throws: `WireError` 400 when there is none such: a 404 of a create means that its offer is gone.
    func template(of body: CreateInstanceRequest, for principal: Principal) async throws
        -> Template?
    {
        guard
            let reference = try TemplateReference.reading(
                hash: Self.given(body.templateHash), id: Self.given(body.templateID),
                "template_hash_id", "template_id")
        else { return nil }
        do {
            let template = try await template(reference.reference, for: principal)
            guard reference.id == nil || reference.id == template.id else {
                throw InstanceRequest.invalid(
                    "template_id and template_hash_id are of two templates.")
            }
            return template
        } catch let error as ControlPlaneError where error.code == .templateNotFound {
            throw InstanceRequest.invalid(error.message)
        }
    }
}

extension TemplateAccess {
    /// Clients of a create say so when they mean none.
    private static func given(_ value: JSONValue?) -> JSONValue? {
        value == .bool(false) ? nil : value
    }
}

extension TemplateReference {
    /// Reads which template is meant: by the hash of a version, by its id, or by both.
    ///
    /// - Parameters:
    ///   - hash: The one.
    ///   - id: The other; a whole number, or its digits.
    ///   - hashName: What the fields are called.
    ///   - idName: The same.
    /// - Returns: The reference, and the id if there was one; nil when neither was given.
    /// - Throws: `WireError` 400.
    static func reading(
        hash: JSONValue?, id: JSONValue?, _ hashName: String, _ idName: String
    ) throws -> (reference: TemplateReference, id: Template.ID?)? {
        var number: Template.ID?
        let none: [JSONValue?] = [nil, .null, .string("")]
        if !none.contains(id) {
            guard let value = id?.number, value >= 0, value < 9e15, value == value.rounded() else {
                throw InstanceRequest.invalid("\(idName) is the id of a template.")
            }
            number = Int64(value)
        }
        guard !none.contains(hash) else {
            return number.map { (.id($0), $0) }
        }
        guard let text = hash?.string else {
            throw InstanceRequest.invalid("\(hashName) is a text of 32 hexadecimal digits.")
        }
        return (.hash(text), number)
    }
}

extension CreateInstanceRequest {
    /// What was sent, and in the place of what was not, what the template says; `env` is merged elsewhere, by its names.
    func filled(from template: Template) -> CreateInstanceRequest {
        let content = template.content
        var body = self
        if InstanceRequest.isUnset(image) { body.image = .string(content.taggedImage) }
        if InstanceRequest.isUnset(onstart) { body.onstart = .optional(content.onstart) }
        if InstanceRequest.isUnset(disk) { body.disk = .optional(content.recommendedDiskGB) }
        if InstanceRequest.isUnset(runtype), useSSH != .bool(true) {
            body.runtype = .optional(content.wishedRuntype)
        }
        return body
    }
}

extension TemplateContent {
    /// What offers must be like.
    var filters: [String: JSONValue] {
        guard let extraFilters else { return [:] }
        let value = try? JSONDecoder().decode(JSONValue.self, from: Data(extraFilters.utf8))
        return value?.object ?? [:]
    }
}
