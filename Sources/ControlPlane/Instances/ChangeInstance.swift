package import AgentLink

/// What owners do with instances that are there: each call is idempotent, and its answer comes when the wish is
/// written down, not when the machine has carried it out.
package struct ChangeInstance: Sendable {
    private let access: InstanceAccess
    private let instances: any InstanceStore & AuditLog
    private let orders: InstanceOrders
    private let dispatcher: Dispatcher
    private let time: WallTime

    package init(
        access: InstanceAccess, instances: any InstanceStore & AuditLog, orders: InstanceOrders,
        dispatcher: Dispatcher, time: WallTime
    ) {
        self.access = access
        self.instances = instances
        self.orders = orders
        self.dispatcher = dispatcher
        self.time = time
    }

    /// Starts, stops or destroys.
    ///
    /// - Parameters:
    ///   - id: The instance.
    ///   - state: How it is to be.
    ///   - principal: Who wants it.
    ///   - route: By which way, for the audit log.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`; `no_room` when its machine has no free GPUs for it.
    package func callAsFunction(
        _ id: Instance.ID, to state: InstanceOrder.State, as principal: Principal,
        through route: AccountRoute
    ) async throws {
        let call = AuditEntry.call(
            route, by: principal, instance: id,
            arguments: state == .gone ? [:] : ["state": state.rawValue], at: time.now())
        switch try await instances.wish(
            state, for: id, account: principal.account.id, noting: call)
        {
        case .wished(let wish): orders.send(wish)
        case .noRoom:
            throw ControlPlaneError(
                .noRoom, "Required resources are currently unavailable on the instance's machine.")
        case .absent: throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        }
    }

    /// Ends the processes of a running instance and starts it again, in the same file system.
    ///
    /// It is no wish, so the audit log has it before the machine is told.
    ///
    /// - Throws: ``ControlPlaneError``: `instance_not_found`; `instance_not_ready` when it does not run, or its
    ///   machine is not connected, or its container engine does not answer.
    package func reboot(_ id: Instance.ID, as principal: Principal) async throws {
        let instance = try await access.instance(id, as: principal, to: .show)
        let notReady = ControlPlaneError(
            .instanceNotReady, "Invalid instance id. Is the container started?")
        guard let containerID = instance.containerID, instance.status.isRunning,
            dispatcher.reach(instance.machineID) == .full
        else { throw notReady }
        try await instances.append(
            .call(.rebootInstance, by: principal, instance: id, at: time.now()))
        guard
            dispatcher.restart(
                RestartInstance(instanceID: id, containerID: containerID), on: instance.machineID)
        else { throw notReady }
    }

    /// Gives the instance a new container, made from what the last one was made from; what the last one had
    /// written is gone.
    ///
    /// - Throws: ``ControlPlaneError``: `instance_not_found`, also for a container that somebody else made;
    ///   `unreadable_secret`.
    package func recycle(_ id: Instance.ID, as principal: Principal) async throws {
        let call = AuditEntry.call(
            .recycleInstance, by: principal, instance: id, at: time.now())
        let wish = try await instances.renew(id, account: principal.account.id, noting: call) {
            [orders] wish in
            // A wish that nobody can carry out is not written down.
            _ = try orders.readableSpecification(of: wish)
            return InstanceRenewal()
        }
        guard let wish else { throw ControlPlaneError(.instanceNotFound, "Invalid instance id.") }
        orders.send(wish)
    }

    /// Gives the instance a new container, made from something else; what the last one had written is gone.
    ///
    /// - Parameters:
    ///   - id: The instance.
    ///   - update: What is different.
    ///   - principal: Who wants it.
    /// - Returns: The instance, as it is wished by now.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`, also for a container that somebody else made;
    ///   `invalid_arguments` for what is too much, `unreadable_secret`; what the update throws.
    package func update(
        _ id: Instance.ID, by update: InstanceUpdate, as principal: Principal
    ) async throws -> Instance {
        let call = AuditEntry.call(
            .renewInstance, by: principal, instance: id, arguments: update.auditArguments,
            at: time.now())
        let wish = try await instances.renew(id, account: principal.account.id, noting: call) {
            [orders] wish in
            guard let made = try orders.readableSpecification(of: wish) else {
                return InstanceRenewal()
            }
            let next = try update.applied(to: made, hiding: wish.hiddenNames)
            return InstanceRenewal(
                specification: try orders.seal(next, for: id), image: next.image,
                runtype: update.runtype, origin: update.origin)
        }
        guard let wish else { throw ControlPlaneError(.instanceNotFound, "Instance not found.") }
        orders.send(wish)
        return wish.instance
    }

    /// - Throws: ``ControlPlaneError``: `instance_not_found`.
    package func label(_ id: Instance.ID, _ label: String?, as principal: Principal) async throws {
        guard
            try await instances.setLabel(
                label, of: id, account: principal.account.id,
                noting: .call(
                    .updateInstance, by: principal, instance: id,
                    arguments: ["label": label ?? ""], at: time.now()))
        else { throw ControlPlaneError(.instanceNotFound, "Instance not found.") }
    }
}
