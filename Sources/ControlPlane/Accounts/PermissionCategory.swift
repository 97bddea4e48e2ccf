/// A group of routes that a key is granted as one; upstream's groups (contract 7.2).
///
/// Boathook has no routes of some of them: permission files that name them are files that callers have.
package enum PermissionCategory: String, Sendable, Hashable, CaseIterable {
    case instanceRead = "instance_read"
    case instanceWrite = "instance_write"
    case userRead = "user_read"
    case userWrite = "user_write"
    case billingRead = "billing_read"
    case billingWrite = "billing_write"
    case machineRead = "machine_read"
    case machineWrite = "machine_write"
    case misc
    case teamRead = "team_read"
    case teamWrite = "team_write"
}
