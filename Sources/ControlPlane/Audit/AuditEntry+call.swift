extension AuditEntry {
    /// A change that was made through the API.
    ///
    /// - Parameters:
    ///   - route: Which.
    ///   - principal: Who made it, and from where.
    ///   - instance: Of which instance.
    ///   - arguments: What was asked for, without anything secret.
    ///   - time: Now.
    /// - Returns: The entry.
    package static func call(
        _ route: AccountRoute, by principal: Principal, instance: Instance.ID? = nil,
        arguments: [String: String] = [:], at time: Double
    ) -> AuditEntry {
        var entry = AuditEntry(
            time: time, event: .apiCalled, accountID: principal.account.id,
            keyID: principal.keyID, instanceID: instance, address: principal.address)
        entry.route = "\(route.method) \(route.path)"
        entry.arguments = arguments.isEmpty ? nil : arguments
        return entry
    }
}
