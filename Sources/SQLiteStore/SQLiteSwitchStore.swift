package import ControlPlane
internal import GRDB

extension SQLiteStore: SwitchStore {
    package func offSwitches() async throws -> [OffSwitch] {
        try await pool.read { db in
            try Row.fetchAll(db, sql: "SELECT target, reason, since FROM off_switch").map { row in
                let text: String = row["target"]
                guard let target = OffSwitch.Target(text) else {
                    // A switch that is not understood must not be one that is not there.
                    return OffSwitch(
                        target: .everything, reason: "unknown switch", since: row["since"])
                }
                return OffSwitch(target: target, reason: row["reason"], since: row["since"])
            }
        }
    }

    package func switchOff(_ off: OffSwitch) async throws {
        try await writes.write { db in
            try db.execute(
                sql: """
                    INSERT INTO off_switch (target, reason, since) VALUES (?, ?, ?)
                    ON CONFLICT (target) DO UPDATE SET reason = excluded.reason
                    """,
                arguments: ["\(off.target)", off.reason, off.since])
            try AuditLogWriter.append(
                db,
                AuditEntry(
                    time: off.since, event: .switchedOff,
                    detail: "\(off.target)" + (off.reason.isEmpty ? "" : ": \(off.reason)")))
        }
    }

    package func switchOn(_ target: OffSwitch.Target, at time: Double) async throws -> Bool {
        try await writes.write { db in
            try db.execute(
                sql: "DELETE FROM off_switch WHERE target = ?", arguments: ["\(target)"])
            guard db.changesCount > 0 else { return false }
            try AuditLogWriter.append(
                db, AuditEntry(time: time, event: .switchedOn, detail: "\(target)"))
            return true
        }
    }
}
