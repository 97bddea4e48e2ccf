package import AgentLink
package import ControlPlane
internal import GRDB

extension SQLiteStore: InstanceStore {
    package func instance(_ id: Instance.ID) async throws -> Instance? {
        try await pool.read { db in
            try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM instance
                    WHERE id = ? AND removed_at IS NULL AND wished <> 'gone'
                    """,
                arguments: [id]
            ).map(Instance.init(row:))
        }
    }

    package func instance(_ id: Instance.ID, account: Account.ID) async throws -> Instance? {
        try await pool.read { db in try Self.instance(db, id, account: account) }
    }

    package func isRemoved(_ id: Instance.ID, account: Account.ID) async throws -> Bool {
        try await pool.read { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT removed_at IS NOT NULL OR wished = 'gone' FROM instance
                    WHERE id = ? AND account_id = ?
                    """,
                arguments: [id, account]) ?? false
        }
    }

    package func instances(account: Account.ID) async throws -> [Instance] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM instance
                    WHERE account_id = ? AND removed_at IS NULL AND wished <> 'gone' ORDER BY id
                    """,
                arguments: [account]
            ).map(Instance.init(row:))
        }
    }

    @discardableResult
    package func upsert(
        _ report: InstanceReport, machine: Machine.ID, owner: Account.ID
    ) async throws -> ReportOutcome {
        try await writes.write { db in
            guard try Self.isHeard(db, machine) else { return .kept }
            var room = try Self.roomForAdopted(db, machine)
            return try Self.upsert(db, report, machine: machine, owner: owner, room: &room)
        }
    }

    @discardableResult
    package func remove(containerID: String, machine: Machine.ID, at time: Double) async throws
        -> Instance?
    {
        try await writes.write { db in
            let ours = try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM instance
                    WHERE machine_id = ? AND container_id = ? AND removed_at IS NULL
                        AND is_settled AND specification IS NOT NULL
                    """,
                arguments: [machine, containerID]
            ).map(Instance.init(row:))
            try Self.remove(
                db, "machine_id = ? AND container_id = ?", [machine, containerID], at: time)
            return ours
        }
    }

    @discardableResult
    package func replaceAll(
        machine: Machine.ID, with reports: [(report: InstanceReport, owner: Account.ID)],
        at time: Double
    ) async throws -> [ReportOutcome] {
        try await writes.write { db in
            guard try Self.isHeard(db, machine) else { return reports.map { _ in .kept } }
            let present = Set(reports.map(\.report.containerID))
            let known = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, container_id FROM instance
                    WHERE machine_id = ? AND removed_at IS NULL AND container_id IS NOT NULL
                    """,
                arguments: [machine])
            for row in known where !present.contains(row["container_id"]) {
                try Self.remove(db, "id = ?", [row["id"] as Int64], at: time)
            }
            // Before one of them is given the number that another one bears.
            for (report, _) in reports { try Self.reserveNumber(db, of: report, machine: machine) }
            var room = try Self.roomForAdopted(db, machine)
            return try reports.map { report, owner in
                try Self.upsert(db, report, machine: machine, owner: owner, room: &room)
            }
        }
    }

    package func forgetInstances(machine: Machine.ID, at time: Double) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE instance SET removed_at = ?, is_settled = 1
                    WHERE machine_id = ? AND removed_at IS NULL
                    """,
                arguments: [time, machine])
        }
    }

    static func instance(_ db: Database, _ id: Instance.ID, account: Account.ID) throws
        -> Instance?
    {
        try Row.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT * FROM instance
                    WHERE id = ? AND account_id = ? AND removed_at IS NULL AND wished <> 'gone'
                    """),
            arguments: [id, account]
        ).map(Instance.init(row:))
    }

    /// A container is gone.
    ///
    /// An instance that waits for its next one, or for a machine's word that there is none, stays.
    private static func remove(
        _ db: Database, _ condition: String, _ arguments: StatementArguments, at time: Double
    ) throws {
        try db.execute(
            sql: """
                UPDATE instance SET
                    container_id = CASE WHEN is_settled THEN container_id END,
                    status = CASE
                        WHEN is_settled THEN status
                        WHEN status_message LIKE 'Error:%' THEN 'exited'
                        WHEN wished = 'gone' THEN 'unknown'
                        ELSE 'loading' END,
                    status_message = CASE
                        WHEN is_settled OR status_message LIKE 'Error:%' THEN status_message END,
                    removed_at = CASE WHEN is_settled THEN ? END
                WHERE \(condition) AND removed_at IS NULL
                """,
            arguments: [time] + arguments)
    }

    /// An instance whose container is there again, though nobody wished it gone: an engine that was started
    /// without its disk told of none, and has it back.
    private static func bringBack(_ db: Database, _ id: Instance.ID) throws {
        try db.execute(
            sql: """
                UPDATE api_key SET revoked_at = NULL
                WHERE id = (SELECT key_id FROM instance WHERE id = :id)
                    AND revoked_at = (SELECT removed_at FROM instance WHERE id = :id)
                """,
            arguments: ["id": id])
        try db.execute(
            sql: "UPDATE instance SET removed_at = NULL WHERE id = ?", arguments: [id])
    }

    // `room` is how many containers more the machine may have.
    private static func upsert(
        _ db: Database, _ report: InstanceReport, machine: Machine.ID, owner: Account.ID,
        room: inout Int
    ) throws -> ReportOutcome {
        if let id = report.instanceID,
            let row = try Row.fetchOne(
                db,
                sql: """
                    SELECT generation, hidden_names, removed_at, wished, container_id FROM instance
                    WHERE id = ? AND machine_id = ? AND specification IS NOT NULL
                    """,
                arguments: [id, machine])
        {
            let isRemoved = row["removed_at"] != nil
            guard !isRemoved || row["wished"] != "gone" else { return .unwanted(id) }
            guard report.generation == row["generation"] else {
                // One that is to be replaced is the instance's until its successor is there.
                if row["container_id"] as String? == report.containerID {
                    try updateFormer(db, report, id)
                }
                return .kept
            }
            // It was taken for somebody else's container, and is known better now.
            try db.execute(
                sql: """
                    UPDATE instance SET removed_at = (julianday('now') - 2440587.5) * 86400
                    WHERE machine_id = ? AND container_id = ? AND removed_at IS NULL
                        AND specification IS NULL
                    """,
                arguments: [machine, report.containerID])
            // Only now: a container is no two instances'.
            if isRemoved { try bringBack(db, id) }
            // The machine tells all of what the container got; what is secret of it stays in the specification.
            let hidden: [String] =
                try (row["hidden_names"] as String?).map { try JSON.decode($0) } ?? []
            var shown = report
            shown.environment.removeAll { $0.first.map(hidden.contains) ?? true }
            try update(db, shown, "id = \(id)")
            return .kept
        }
        if try !isKnown(db, report, machine: machine) {
            guard room > 0 else { return .kept }
            room -= 1
        }
        try reserveNumber(db, of: report, machine: machine)
        try db.execute(
            sql: """
                INSERT INTO instance (
                    account_id, machine_id, container_id, name, image, label, status, created_at,
                    environment, wished
                )
                -- A conflict would spend an id each time that the container is told of.
                SELECT :owner, :machine, :container, :name, :image, :label, '', :created, '[]', ''
                WHERE NOT EXISTS (
                    SELECT 1 FROM instance
                    WHERE machine_id = :machine AND container_id = :container
                        AND removed_at IS NULL)
                """,
            arguments: [
                "owner": owner, "machine": machine, "container": report.containerID,
                "name": report.name, "image": report.image, "label": report.label,
                "created": report.createdAt,
            ])
        try update(
            db, report,
            "machine_id = \(machine) AND container_id = :container AND removed_at IS NULL")
        return .kept
    }

    /// Nobody wishes anything of a container that somebody else runs, until its owner does so here: until then
    /// its wish is what it does.
    private static func update(_ db: Database, _ report: InstanceReport, _ condition: String) throws
    {
        let isRunning = InstanceStatus(rawValue: report.status)?.isRunning == true
        // Why a wish failed stays until what was wished is seen, and only the agent says that it failed: what the engine
        // could not do last time may be tried again.
        try db.execute(
            sql: """
                UPDATE instance SET
                    container_id = :container, name = :name, status = :status,
                    status_message = CASE
                        WHEN NOT is_settled AND wished <> :wished
                            AND (status_message LIKE 'Error:%' OR :message LIKE 'Error:%')
                        THEN status_message ELSE :message END,
                    started_at = coalesce(:started, started_at),
                    environment = CASE WHEN :environment = '[]' THEN environment ELSE :environment END,
                    ports = :ports, written_bytes = coalesce(:written, written_bytes),
                    wished = CASE WHEN specification IS NULL AND is_settled THEN :wished ELSE wished END
                WHERE \(condition)
                """,
            arguments: [
                "container": report.containerID, "name": report.name, "status": report.status,
                "message": report.statusMessage, "started": report.startedAt,
                "environment": try JSON.encode(report.environment),
                "ports": try JSON.encode(report.ports), "written": report.writtenBytes,
                "wished": isRunning ? "running" : "stopped",
            ])
    }
}

extension Instance {
    init(row: Row) throws {
        self.init(
            id: row["id"], accountID: row["account_id"], machineID: row["machine_id"],
            containerID: row["container_id"], name: row["name"],
            image: row["image"], label: row["label"],
            status: InstanceStatus(rawValue: row["status"]) ?? .unknown,
            statusMessage: row["status_message"], createdAt: row["created_at"],
            startedAt: row["started_at"], environment: try JSON.decode(row["environment"]),
            wish: InstanceWish(
                state: InstanceOrder.State(rawValue: row["wished"]) ?? .stopped,
                number: row["wish_number"], generation: row["generation"],
                isSettled: row["is_settled"]),
            contract: (row["runtype"] as String?).map {
                InstanceContract(
                    gpuCount: row["gpu_count"], diskGB: row["disk_gb"], price: row["price"],
                    runtype: $0)
            })
        ports = try JSON.decode(row["ports"])
        writtenBytes = row["written_bytes"]
        if let id = row["template_id"] as Int64?, let hash = row["template_hash"] as String? {
            origin = InstanceOrigin(
                templateID: id, hashID: hash, name: row["template_name"] ?? "")
        }
    }
}
