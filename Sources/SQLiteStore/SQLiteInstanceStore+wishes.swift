package import AgentLink
package import ControlPlane
internal import FoundationEssentials
internal import GRDB

// What owners wish of their instances.
extension SQLiteStore {
    package func create(_ new: NewInstance, noting call: AuditEntry) async throws -> (
        wish: StoredWish, isNew: Bool
    ) {
        try await writes.write { db in
            if let made = try Self.instanceMade(db, by: new.order, noting: call) {
                return (made, false)
            }
            guard let offer = try Self.offer(db, new.offerID) else {
                throw ControlPlaneError(
                    .offerNotFound, "The offer is not available.")
            }
            let gpuCount = new.state == .running ? offer.gpuCount : 0
            guard offer.free.holds(gpuCount: gpuCount, diskGB: new.diskGB) else {
                throw ControlPlaneError(.noRoom, offer.lack(diskGB: new.diskGB))
            }
            try db.execute(
                sql: """
                    INSERT INTO instance (
                        account_id, machine_id, name, image, label, status, created_at, environment,
                        wished, wish_number, generation, is_settled, specification, runtype, gpu_count,
                        disk_gb, price, template_id, template_hash, template_name
                    ) VALUES (
                        ?, ?, '', ?, ?, 'provisioning', ?, '[]', ?, 1, 1, 0, x'', ?, ?, ?, ?, ?, ?, ?
                    )
                    """,
                arguments: [
                    new.accountID, offer.machine.id, new.image, new.label, new.order.at,
                    new.state.rawValue, new.runtype, offer.gpuCount, new.diskGB, offer.price,
                    new.origin?.templateID, new.origin?.hashID, new.origin?.name,
                ])
            let id = db.lastInsertedRowID
            let key = try Self.addKey(
                db, new.keyDigest, name: "instance \(id)", account: new.accountID,
                scope: NewInstance.ownScope(id), expiresAt: nil, orderedBy: new.order.keyID,
                at: new.order.at)
            try db.execute(
                sql: """
                    UPDATE instance SET specification = ?, key_id = ?, hidden_names = ? WHERE id = ?
                    """,
                arguments: [
                    Data(try new.specification(id, offer)), key.id,
                    try JSON.encode(new.hiddenNames), id,
                ])
            try Self.keep(new.order, db, made: id)
            var call = call
            call.instanceID = id
            try AuditLogWriter.append(db, call)
            guard let stored = try Self.storedWish(db, id) else {
                throw ControlPlaneError(.instanceNotFound, "Instance not found.")
            }
            return (stored, true)
        }
    }

    package func wish(
        _ state: InstanceOrder.State, for id: Instance.ID, account: Account.ID,
        noting call: AuditEntry
    ) async throws -> WishOutcome {
        try await writes.write { db in
            guard let instance = try Self.instance(db, id, account: account) else { return .absent }
            if state == .running, instance.wish.state != .running, let contract = instance.contract
            {
                // What it has not given back yet is still its own.
                let free = try Self.capacity(db, machine: instance.machineID, without: id)
                guard let free, free.gpus >= contract.gpuCount else { return .noRoom }
            }
            try db.execute(
                sql: """
                    UPDATE instance SET
                        wished = ?, wish_number = wish_number + 1, is_settled = 0, status_message = NULL
                    WHERE id = ?
                    """,
                arguments: [state.rawValue, id])
            try AuditLogWriter.append(db, call)
            return try Self.storedWish(db, id).map(WishOutcome.wished) ?? .absent
        }
    }

    package func renew(
        _ id: Instance.ID, account: Account.ID, noting call: AuditEntry,
        by change: @escaping @Sendable (StoredWish) throws -> InstanceRenewal
    ) async throws -> StoredWish? {
        try await writes.write { db in
            guard try Self.instance(db, id, account: account)?.contract != nil,
                let wish = try Self.storedWish(db, id)
            else { return nil }
            let renewal = try change(wish)
            try db.execute(
                sql: """
                    UPDATE instance SET
                        generation = generation + 1, wish_number = wish_number + 1, is_settled = 0,
                        status_message = NULL, written_bytes = NULL,
                        specification = coalesce(?, specification), image = coalesce(?, image),
                        runtype = coalesce(?, runtype), template_id = coalesce(?, template_id),
                        template_hash = coalesce(?, template_hash),
                        template_name = coalesce(?, template_name)
                    WHERE id = ?
                    """,
                arguments: [
                    renewal.specification.map { Data($0) }, renewal.image, renewal.runtype,
                    renewal.origin?.templateID, renewal.origin?.hashID, renewal.origin?.name, id,
                ])
            try AuditLogWriter.append(db, call)
            return try Self.storedWish(db, id)
        }
    }

    package func setLabel(
        _ label: String?, of id: Instance.ID, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE instance SET label = ?
                    WHERE id = ? AND account_id = ? AND removed_at IS NULL AND wished <> 'gone'
                    """,
                arguments: [label, id, account])
            guard db.changesCount == 1 else { return false }
            try AuditLogWriter.append(db, call)
            return true
        }
    }

    package func destruction(of id: Instance.ID, account: Account.ID) async throws -> Destruction? {
        try await pool.read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM instance WHERE id = ? AND account_id = ?",
                arguments: [id, account]
            ).map { row in
                let isGone = row["removed_at"] != nil
                let instance = try Instance(row: row)
                return Destruction(
                    instance: instance,
                    state: isGone ? .done : instance.wish.state == .gone ? .pending : .none)
            }
        }
    }

    package func wish(for id: Instance.ID) async throws -> StoredWish? {
        try await pool.read { db in try Self.storedWish(db, id) }
    }

    package func wishes(machine: Machine.ID) async throws -> [StoredWish] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM instance
                    WHERE machine_id = ? AND removed_at IS NULL
                        AND (is_settled = 0 OR specification IS NOT NULL)
                    ORDER BY id
                    """,
                arguments: [machine]
            ).map(StoredWish.init(row:))
        }
    }

    package func progress(
        _ progress: InstanceProgress, machine: Machine.ID, at time: Double
    ) async throws {
        let change =
            switch progress.phase {
            case .loading: "status = \(Self.status("loading")), status_message = :message"
            // Clients look for that word (contract 3.4).
            case .failed:
                "status = \(Self.status("exited")), status_message = 'Error: ' || :message"
            case .done:
                """
                is_settled = 1,
                status_message = CASE WHEN status_message NOT LIKE 'Error:%' THEN status_message END
                """
            case .gone: "is_settled = 1, removed_at = :time"
            }
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE instance SET \(change)
                    WHERE id = :id AND machine_id = :machine AND removed_at IS NULL
                        AND wish_number = :number
                        AND (SELECT revoked_at FROM machine WHERE id = :machine) IS NULL
                    """,
                arguments: Self.used(
                    [
                        "id": progress.instanceID, "machine": machine, "number": progress.number,
                        "message": progress.message, "time": time,
                    ], in: change))
        }
    }

    /// How far a wish is says nothing of a container that runs, or that is to be stopped and is: whether it runs, the
    /// engine says.
    private static func status(_ word: String) -> String {
        """
        CASE WHEN container_id IS NULL
            OR (wished = 'running' AND status NOT IN ('running', 'frozen', 'rebooting'))
            THEN '\(word)' ELSE status END
        """
    }

    /// SQLite takes no argument that its statement does not name.
    private static func used(
        _ arguments: [String: (any DatabaseValueConvertible)?], in change: String
    ) -> StatementArguments {
        StatementArguments(
            arguments.filter { name, _ in
                ["id", "machine", "number"].contains(name) || change.contains(":\(name)")
            })
    }

    private static func storedWish(_ db: Database, _ id: Instance.ID) throws -> StoredWish? {
        try Row.fetchOne(
            db, sql: "SELECT * FROM instance WHERE id = ? AND removed_at IS NULL", arguments: [id]
        ).map(StoredWish.init(row:))
    }
}

extension StoredWish {
    init(row: Row) throws {
        self.init(
            instance: try Instance(row: row),
            specification: (row["specification"] as Data?).map { [UInt8]($0) },
            hiddenNames: try (row["hidden_names"] as String?).map { try JSON.decode($0) } ?? [])
    }
}

extension Offer {
    /// For the person who asked for more than there is.
    fileprivate func lack(diskGB: Double) -> String {
        if free.slots == 0 { return "The machine has as many instances as it takes." }
        if free.gpus < gpuCount { return "The machine's GPUs are in use." }
        return "The machine has \(Int(free.diskGB)) GB of disk left, not \(Int(diskGB))."
    }
}
