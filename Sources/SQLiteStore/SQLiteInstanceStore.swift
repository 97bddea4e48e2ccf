package import AgentLink
package import ControlPlane
internal import GRDB

extension SQLiteStore: InstanceStore {
    package func instance(_ id: Instance.ID) async throws -> Instance? {
        try await pool.read { db in
            try Row.fetchOne(
                db, sql: "SELECT * FROM instance WHERE id = ? AND removed_at IS NULL",
                arguments: [id]
            ).map(Instance.init(row:))
        }
    }

    package func isRemoved(_ id: Instance.ID, account: Account.ID) async throws -> Bool {
        try await pool.read { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT removed_at IS NOT NULL FROM instance WHERE id = ? AND account_id = ?
                    """,
                arguments: [id, account]) ?? false
        }
    }

    package func instances(account: Account.ID) async throws -> [Instance] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM instance WHERE account_id = ? AND removed_at IS NULL ORDER BY id
                    """,
                arguments: [account]
            ).map(Instance.init(row:))
        }
    }

    package func upsert(
        _ report: InstanceReport, machine: Machine.ID, owner: Account.ID
    ) async throws {
        try await writes.write { db in
            try Self.upsert(db, report, machine: machine, owner: owner)
        }
    }

    package func remove(containerID: String, machine: Machine.ID, at time: Double) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE instance SET removed_at = ?
                    WHERE machine_id = ? AND container_id = ? AND removed_at IS NULL
                    """,
                arguments: [time, machine, containerID])
        }
    }

    package func replaceAll(
        machine: Machine.ID, with reports: [(report: InstanceReport, owner: Account.ID)],
        at time: Double
    ) async throws {
        try await writes.write { db in
            let present = Set(reports.map(\.report.containerID))
            let known = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, container_id FROM instance
                    WHERE machine_id = ? AND removed_at IS NULL
                    """,
                arguments: [machine])
            for row in known where !present.contains(row["container_id"]) {
                try db.execute(
                    sql: "UPDATE instance SET removed_at = ? WHERE id = ?",
                    arguments: [time, row["id"] as Int64])
            }
            for (report, owner) in reports {
                try Self.upsert(db, report, machine: machine, owner: owner)
            }
        }
    }

    private static func upsert(
        _ db: Database, _ report: InstanceReport, machine: Machine.ID, owner: Account.ID
    ) throws {
        try db.execute(
            sql: """
                INSERT INTO instance (
                    account_id, machine_id, container_id, name, image, label, status,
                    status_message, created_at, started_at, environment
                ) VALUES (
                    :account, :machine, :container, :name, :image, :label, :status,
                    :message, :created, :started, :environment
                )
                ON CONFLICT (machine_id, container_id) WHERE removed_at IS NULL DO UPDATE SET
                    name = :name, status = :status, status_message = :message,
                    started_at = coalesce(:started, started_at),
                    environment = CASE WHEN :environment = '[]' THEN environment ELSE :environment END
                """,
            arguments: [
                "account": owner, "machine": machine, "container": report.containerID,
                "name": report.name, "image": report.image, "label": report.label,
                "status": report.status, "message": report.statusMessage,
                "created": report.createdAt, "started": report.startedAt,
                "environment": try JSON.encode(report.environment),
            ])
    }
}

extension Instance {
    fileprivate init(row: Row) throws {
        self.init(
            id: row["id"], accountID: row["account_id"], machineID: row["machine_id"],
            containerID: row["container_id"], name: row["name"], image: row["image"],
            label: row["label"], status: InstanceStatus(rawValue: row["status"]) ?? .unknown,
            statusMessage: row["status_message"], createdAt: row["created_at"],
            startedAt: row["started_at"], environment: try JSON.decode(row["environment"]))
    }
}
