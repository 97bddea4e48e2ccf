package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: MachineStore {
    package func addJoinToken(_ digest: SecretDigest, expiresAt: Double) async throws {
        try await writes.write { db in
            try db.execute(
                sql: "INSERT INTO join_token (digest, expires_at) VALUES (?, ?)",
                arguments: [Data(digest.bytes), expiresAt])
        }
    }

    package func join(
        tokenDigest: SecretDigest, name: String, machineTokenDigest: SecretDigest, at time: Double
    ) async throws -> Machine? {
        try await writes.write { db in
            try db.execute(
                sql: "DELETE FROM join_token WHERE digest = ? AND expires_at > ?",
                arguments: [Data(tokenDigest.bytes), time])
            guard db.changesCount == 1 else { return nil }
            try db.execute(
                sql: "INSERT INTO machine (name, token_digest, created_at) VALUES (?, ?, ?)",
                arguments: [name, Data(machineTokenDigest.bytes), time])
            let machine = Machine(id: db.lastInsertedRowID, name: name, joinedAt: time)
            try AuditLogWriter.append(
                db,
                AuditEntry(time: time, event: .machineJoined, detail: "machine \(machine.id)"))
            return machine
        }
    }

    package func ensureLocalMachine(name: String, at time: Double) async throws -> Machine {
        try await writes.write { db in
            if let row = try Row.fetchOne(
                db, sql: "SELECT * FROM machine WHERE token_digest IS NULL")
            {
                return Machine(row: row)
            }
            try db.execute(
                sql: "INSERT INTO machine (name, created_at) VALUES (?, ?)",
                arguments: [name, time])
            return Machine(id: db.lastInsertedRowID, name: name, joinedAt: time)
        }
    }

    package func machine(tokenDigest: SecretDigest) async throws -> Machine? {
        try await pool.read { db in
            try Row.fetchOne(
                db,
                sql: "SELECT * FROM machine WHERE token_digest = ? AND revoked_at IS NULL",
                arguments: [Data(tokenDigest.bytes)]
            ).map(Machine.init(row:))
        }
    }

    package func machines() async throws -> [Machine] {
        try await pool.read { db in
            try Row.fetchAll(db, sql: "SELECT * FROM machine ORDER BY id").map(Machine.init(row:))
        }
    }

    package func revokeMachine(_ id: Machine.ID, at time: Double) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: """
                    UPDATE machine SET revoked_at = ?
                    WHERE id = ? AND token_digest IS NOT NULL AND revoked_at IS NULL
                    """,
                arguments: [time, id])
            guard db.changesCount == 1 else { return false }
            try AuditLogWriter.append(
                db, AuditEntry(time: time, event: .machineRevoked, detail: "machine \(id)"))
            return true
        }
    }

    package func revokedMachines() async throws -> Set<Machine.ID> {
        try await pool.read { db in
            try Set(
                Int64.fetchAll(db, sql: "SELECT id FROM machine WHERE revoked_at IS NOT NULL"))
        }
    }
}

extension Machine {
    init(row: Row) {
        self.init(
            id: row["id"], name: row["name"], joinedAt: row["created_at"],
            revokedAt: row["revoked_at"])
    }
}
