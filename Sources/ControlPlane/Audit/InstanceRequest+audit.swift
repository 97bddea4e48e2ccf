internal import AgentLink

extension InstanceRequest {
    /// What the audit log says of a create beside who made it: nothing of it is secret.
    ///
    /// Scripts, arguments and environments hold what is, and a registry's login is: they are left out as a whole.
    func auditArguments(offer: Offer.ID) -> [String: String] {
        var arguments = [
            "ask_id": String(offer), "image": image, "disk": Self.text(diskGB),
            "runtype": runtype, "target_state": state.rawValue,
        ]
        arguments["label"] = label
        arguments["user"] = user
        arguments["template_hash_id"] = origin?.hashID
        return arguments
    }

    /// Whole numbers without a point.
    private static func text(_ number: Double) -> String {
        Int64(exactly: number).map { String($0) } ?? String(number)
    }
}
