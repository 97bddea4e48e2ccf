package import ControlPlane
package import Logging

/// What the routes for an account's own things are made of.
package struct AccountParts: Sendable {
    package var sshKeys: SSHKeyAccess
    package var environment: EnvironmentAccess
    package var templates: TemplateAccess
    package var audit: AccountAudit
    package var addresses: AccountAddresses
    package var machines: MachineAccess
    package var copies: CopyAccess

    /// - Parameters:
    ///   - store: Where all of it is kept.
    ///   - instances: Whose instances are whose.
    ///   - orders: How machines hear of changed SSH keys.
    ///   - box: What seals environment variables and templates.
    ///   - time: The clock.
    ///   - logger: For what no caller is told.
    package init(
        store: any Store, instances: InstanceAccess, orders: InstanceOrders, box: SecretBox,
        time: WallTime, logger: Logger
    ) {
        sshKeys = SSHKeyAccess(keys: store, instances: instances, time: time) { account, instance in
            do {
                var ids = instance.map { [$0] } ?? []
                if instance == nil { ids = try await store.instances(account: account).map(\.id) }
                for id in ids { try await orders.sendKeys(of: id) }
            } catch {
                // The change is kept, and each new link of a machine brings its keys.
                logger.warning(
                    "machines were not told of SSH keys", metadata: ["error": "\(error)"])
            }
        }
        environment = EnvironmentAccess(store: store, box: box, time: time)
        templates = TemplateAccess(store: store, box: box, time: time)
        audit = AccountAudit(store: store)
        addresses = AccountAddresses(store: store, time: time, logger: logger)
        machines = MachineAccess(accounts: store, machines: store)
        copies = CopyAccess(instances: instances, machines: store, audit: store, time: time)
    }
}
