internal import AgentLink

/// Copies of files between an instance and the machine of whoever asks (contract 9).
///
/// The asker's client carries the files itself, over the instance's SSH, where its keys are looked at; here it
/// learns where that is.
package struct CopyAccess: Sendable {
    private let instances: InstanceAccess
    private let machines: any MachineStore
    private let audit: any AuditLog
    private let time: WallTime

    package init(
        instances: InstanceAccess, machines: any MachineStore, audit: any AuditLog, time: WallTime
    ) {
        self.instances = instances
        self.machines = machines
        self.audit = audit
        self.time = time
    }

    package enum Direction: String, Sendable, Hashable {
        /// Into the instance.
        case upload
        /// Out of it.
        case download
    }

    /// Where an instance's SSH server listens.
    package struct Address: Sendable, Hashable {
        package var host: String
        package var port: Int
    }

    /// Lets a copy begin, and writes down that it did.
    ///
    /// - Parameters:
    ///   - direction: Into the instance, or out of it.
    ///   - id: The instance.
    ///   - path: What of it, as the asker wrote it.
    ///   - principal: Who asks.
    ///   - route: By which way.
    /// - Returns: What the client is to log in to.
    /// - Throws: ``ControlPlaneError``: `instance_not_found`; `not_authorized`; `invalid_arguments` when it was made
    ///   without SSH; `instance_not_ready` when it does not run.
    package func begin(
        _ direction: Direction, _ id: Instance.ID, path: String, as principal: Principal,
        through route: AccountRoute
    ) async throws -> Address {
        let instance = try await instance(id, as: principal)
        // Whoever copies is bound by no more than whoever logs in.
        if let objection = principal.scope.bars(loginTo: id) {
            throw ControlPlaneError(.notAuthorized, objection)
        }
        guard instance.contract?.hasSSH == true else {
            throw ControlPlaneError(
                .invalidArguments,
                "Instance \(id) was made without SSH, by which files are copied: make one with it (--ssh)."
            )
        }
        guard instance.status == .running else {
            throw ControlPlaneError(
                .instanceNotReady,
                instance.wish.state == .running && !instance.wish.isSettled
                    ? "Instance \(id) does not run yet; try again when it does."
                    : "Instance \(id) is not running, and files are copied by its SSH: start it first."
            )
        }
        guard let port = instance.ports.first(where: { $0.port == "22/tcp" })?.hostPort,
            let host = try await machines.reports(of: [instance.machineID])[instance.machineID]?
                .publicAddress, !host.isEmpty
        else {
            throw ControlPlaneError(
                .instanceNotReady,
                "Instance \(id) has not told the address of its SSH yet; try again.")
        }
        try await audit.append(
            .call(
                route, by: principal, instance: id,
                arguments: ["direction": direction.rawValue, "path": path], at: time.now()))
        return Address(host: host, port: port)
    }

    /// One that the principal may know of.
    ///
    /// - Throws: ``ControlPlaneError``: `instance_not_found`.
    package func instance(_ id: Instance.ID, as principal: Principal) async throws -> Instance {
        guard principal.scope.lists(instance: id) else {
            throw ControlPlaneError(.instanceNotFound, "Instance not found.")
        }
        return try await instances.instance(id, as: principal, to: .show)
    }
}

extension InstanceContract {
    /// Whether it was asked for with SSH (contract 4): with one of the words `ssh…` or `jupyter…`.
    var hasSSH: Bool {
        runtype.split(separator: " ").contains { $0.hasPrefix("ssh") || $0.hasPrefix("jupyter") }
    }
}
