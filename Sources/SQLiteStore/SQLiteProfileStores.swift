package import ControlPlane
internal import FoundationEssentials
internal import GRDB

extension SQLiteStore: EnvironmentStore {
    package func environmentVariables(account: Account.ID) async throws -> [SealedVariable] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT name, sealed FROM environment_variable
                    WHERE account_id = ? ORDER BY name
                    """,
                arguments: [account]
            ).map { row in
                SealedVariable(name: row["name"], sealed: [UInt8](row["sealed"] as Data))
            }
        }
    }

    package func setEnvironmentVariables(
        _ variables: [SealedVariable], account: Account.ID, areThere: Bool,
        noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            let present = try Set(
                String.fetchAll(
                    db, sql: "SELECT name FROM environment_variable WHERE account_id = ?",
                    arguments: [account]))
            let names = Set(variables.map(\.name))
            guard !areThere || names.isSubset(of: present) else { return false }
            guard present.union(names).count <= EnvironmentAccess.maximumCount else {
                throw ControlPlaneError(
                    .invalidArguments,
                    "User has reached the limit of \(EnvironmentAccess.maximumCount) environment variables."
                )
            }
            for variable in variables {
                try db.execute(
                    sql: """
                        INSERT INTO environment_variable (account_id, name, sealed)
                        VALUES (?, ?, ?)
                        ON CONFLICT (account_id, name) DO UPDATE SET sealed = excluded.sealed
                        """,
                    arguments: [account, variable.name, Data(variable.sealed)])
            }
            try AuditLogWriter.append(db, call)
            return true
        }
    }

    package func removeEnvironmentVariable(
        _ name: String, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: "DELETE FROM environment_variable WHERE account_id = ? AND name = ?",
                arguments: [account, name])
            guard db.changesCount > 0 else { return false }
            try AuditLogWriter.append(db, call)
            return true
        }
    }
}

extension SQLiteStore: AddressStore {
    package func addresses(account: Account.ID) async throws -> [SeenAddress] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT address, first_seen FROM account_address
                    WHERE account_id = ? ORDER BY first_seen DESC, address LIMIT ?
                    """,
                arguments: [account, AccountAddresses.maximumCount]
            ).map { SeenAddress(address: $0["address"], firstSeen: $0["first_seen"]) }
        }
    }

    package func note(address: String, account: Account.ID, at time: Double) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    INSERT INTO account_address (account_id, address, first_seen)
                    VALUES (?, ?, ?) ON CONFLICT DO NOTHING
                    """,
                arguments: [account, address, time])
            guard db.changesCount > 0 else { return }
            try db.execute(
                sql: """
                    DELETE FROM account_address WHERE account_id = :account AND address IN (
                        SELECT address FROM account_address WHERE account_id = :account
                        ORDER BY first_seen DESC, address LIMIT -1 OFFSET :count
                    )
                    """,
                arguments: ["account": account, "count": AccountAddresses.maximumCount])
        }
    }
}
