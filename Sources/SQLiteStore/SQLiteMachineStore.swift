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
            let machine = Machine(id: db.lastInsertedRowID, name: name)
            try AuditLogWriter.append(
                db,
                AuditEntry(time: time, event: .machineJoined, detail: "machine \(machine.id)"))
            return machine
        }
    }

    package func ensureLocalMachine(name: String, at time: Double) async throws -> Machine {
        try await writes.write { db in
            if let row = try Row.fetchOne(
                db, sql: "SELECT id, name FROM machine WHERE token_digest IS NULL")
            {
                return Machine(row: row)
            }
            try db.execute(
                sql: "INSERT INTO machine (name, created_at) VALUES (?, ?)",
                arguments: [name, time])
            return Machine(id: db.lastInsertedRowID, name: name)
        }
    }

    package func machine(tokenDigest: SecretDigest) async throws -> Machine? {
        try await pool.read { db in
            try Row.fetchOne(
                db, sql: "SELECT id, name FROM machine WHERE token_digest = ?",
                arguments: [Data(tokenDigest.bytes)]
            ).map(Machine.init(row:))
        }
    }
}

extension Machine {
    fileprivate init(row: Row) {
        self.init(id: row["id"], name: row["name"])
    }
}
