package import ControlPlane
internal import GRDB

extension SQLiteStore: SSHKeyStore {
    package func sshKeys(account: Account.ID) async throws -> [SSHKey] {
        try await pool.read { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT * FROM ssh_key WHERE account_id = ? AND instance_id IS NULL ORDER BY id
                    """,
                arguments: [account]
            ).map(SSHKey.init(row:))
        }
    }

    package func sshKeys(instance: Instance.ID) async throws -> [SSHKey] {
        try await pool.read { db in
            var seen: Set<String> = []
            return try SSHKey.fetch(db, of: instance).filter {
                seen.insert($0.key.encoded).inserted
            }
        }
    }

    package func addSSHKey(
        _ key: SSHPublicKey, account: Account.ID, noting call: AuditEntry
    ) async throws -> SSHKey? {
        try await writes.write { db in
            guard try !Self.hasKey(db, key, account: account, instance: nil) else { return nil }
            let made = try Self.insert(db, key, account: account, instance: nil, at: call.time)
            try AuditLogWriter.append(db, call.naming(made))
            return made
        }
    }

    package func replaceSSHKey(
        _ id: SSHKey.ID, account: Account.ID, with key: SSHPublicKey, noting call: AuditEntry
    ) async throws -> SSHKeyReplacement {
        try await writes.write { db in
            guard var old = try Self.accountKey(db, id, account: account) else { return .absent }
            guard
                try old.key.encoded == key.encoded
                    || !Self.hasKey(db, key, account: account, instance: nil)
            else { return .duplicate }
            try db.execute(
                sql: "UPDATE ssh_key SET type = ?, encoded = ?, comment = ? WHERE id = ?",
                arguments: [key.type, key.encoded, key.comment, id])
            try AuditLogWriter.append(db, call)
            old.key = key
            return .replaced(old)
        }
    }

    package func removeSSHKey(
        _ id: SSHKey.ID, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            guard let key = try Self.accountKey(db, id, account: account) else { return false }
            try db.execute(sql: "DELETE FROM ssh_key WHERE id = ?", arguments: [id])
            try AuditLogWriter.append(db, call.naming(key))
            return true
        }
    }

    package func attachSSHKey(
        _ key: SSHPublicKey, to instance: Instance.ID, account: Account.ID,
        noting call: AuditEntry
    ) async throws -> SSHKey? {
        try await writes.write { db in
            let present = try SSHKey.fetch(db, of: instance)
            guard !present.contains(where: { $0.key.encoded == key.encoded }) else { return nil }
            // One for all instances that was detached from this one is let in again.
            let excluded = try Row.fetchOne(
                db,
                sql: """
                    SELECT * FROM ssh_key
                    WHERE account_id = ? AND instance_id IS NULL AND encoded = ?
                    """,
                arguments: [account, key.encoded]
            ).map(SSHKey.init(row:))
            if let excluded {
                try db.execute(
                    sql: "DELETE FROM ssh_key_exclusion WHERE instance_id = ? AND key_id = ?",
                    arguments: [instance, excluded.id])
            }
            let made =
                try excluded
                ?? Self.insert(db, key, account: account, instance: instance, at: call.time)
            try AuditLogWriter.append(db, call.naming(made))
            return made
        }
    }

    package func detachSSHKey(
        _ id: SSHKey.ID, from instance: Instance.ID, account: Account.ID, noting call: AuditEntry
    ) async throws -> Bool {
        try await writes.write { db in
            guard let key = try SSHKey.fetch(db, of: instance).first(where: { $0.id == id }),
                key.accountID == account
            else { return false }
            // The key itself is kept out, in whichever ways it was let in.
            let encoded = key.key.encoded
            try db.execute(
                sql: "DELETE FROM ssh_key WHERE instance_id = ? AND encoded = ?",
                arguments: [instance, encoded])
            try db.execute(
                sql: """
                    INSERT INTO ssh_key_exclusion (instance_id, key_id)
                    SELECT ?, id FROM ssh_key
                    WHERE account_id = ? AND instance_id IS NULL AND encoded = ?
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [instance, account, encoded])
            try AuditLogWriter.append(db, call.naming(key))
            return true
        }
    }

    private static func accountKey(
        _ db: Database, _ id: SSHKey.ID, account: Account.ID
    ) throws -> SSHKey? {
        try Row.fetchOne(
            db,
            sql: "SELECT * FROM ssh_key WHERE id = ? AND account_id = ? AND instance_id IS NULL",
            arguments: [id, account]
        ).map(SSHKey.init(row:))
    }

    private static func hasKey(
        _ db: Database, _ key: SSHPublicKey, account: Account.ID, instance: Instance.ID?
    ) throws -> Bool {
        try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (
                    SELECT 1 FROM ssh_key
                    WHERE account_id = ? AND instance_id IS ? AND encoded = ?
                )
                """,
            arguments: [account, instance, key.encoded]) ?? false
    }

    private static func insert(
        _ db: Database, _ key: SSHPublicKey, account: Account.ID, instance: Instance.ID?,
        at time: Double
    ) throws -> SSHKey {
        let count =
            try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM ssh_key WHERE account_id = ? AND instance_id IS ?",
                arguments: [account, instance]) ?? 0
        guard count < SSHKeyAccess.maximumCount else {
            throw ControlPlaneError(
                .invalidArguments,
                "There are \(SSHKeyAccess.maximumCount) SSH keys; delete some first.")
        }
        try db.execute(
            sql: """
                INSERT INTO ssh_key (account_id, instance_id, type, encoded, comment, created_at)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
            arguments: [account, instance, key.type, key.encoded, key.comment, time])
        return SSHKey(
            id: db.lastInsertedRowID, accountID: account, instanceID: instance, key: key,
            createdAt: time)
    }
}

extension SSHKey {
    fileprivate init(row: Row) {
        self.init(
            id: row["id"], accountID: row["account_id"], instanceID: row["instance_id"],
            key: SSHPublicKey(
                type: row["type"], encoded: row["encoded"], comment: row["comment"]),
            createdAt: row["created_at"])
    }

    /// Every key that opens the instance, also where two of them are the same key.
    fileprivate static func fetch(_ db: Database, of instance: Instance.ID) throws -> [SSHKey] {
        try Row.fetchAll(
            db,
            sql: """
                SELECT ssh_key.* FROM ssh_key
                JOIN instance ON instance.account_id = ssh_key.account_id
                WHERE instance.id = :instance AND (
                    ssh_key.instance_id = instance.id
                    OR ssh_key.instance_id IS NULL AND NOT EXISTS (
                        SELECT 1 FROM ssh_key_exclusion
                        WHERE instance_id = :instance AND key_id = ssh_key.id
                    )
                )
                ORDER BY ssh_key.id
                """,
            arguments: ["instance": instance]
        ).map(SSHKey.init(row:))
    }
}

extension AuditEntry {
    /// The entry with which key it tells of.
    fileprivate func naming(_ key: SSHKey) -> AuditEntry {
        var entry = self
        var arguments = entry.arguments ?? [:]
        arguments["ssh_key_id"] = "\(key.id)"
        arguments["fingerprint"] = key.key.fingerprint
        entry.arguments = arguments
        return entry
    }
}
