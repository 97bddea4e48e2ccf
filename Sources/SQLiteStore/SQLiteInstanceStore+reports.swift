internal import AgentLink
internal import ControlPlane
internal import GRDB

// What machines tell of containers that are not, or not yet, an instance's own.
extension SQLiteStore {
    /// Whether what the machine says counts: the operator may have revoked it since its call was let in.
    static func isHeard(_ db: Database, _ machine: Machine.ID) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(sql: "SELECT revoked_at IS NULL FROM machine WHERE id = ?"),
            arguments: [machine]) ?? false
    }

    /// Whether the container is somebody's already.
    static func isKnown(
        _ db: Database, _ report: InstanceReport, machine: Machine.ID
    ) throws -> Bool {
        try Bool.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT EXISTS (
                        SELECT 1 FROM instance
                        WHERE machine_id = ? AND container_id = ? AND removed_at IS NULL)
                    """),
            arguments: [machine, report.containerID]) ?? false
    }

    /// How many containers more the machine may have: whoever owns one by its label has not asked for it.
    static func roomForAdopted(_ db: Database, _ machine: Machine.ID) throws -> Int {
        let count = try Int.fetchOne(
            db.cachedStatement(
                sql: """
                    SELECT count(*) FROM instance WHERE machine_id = ? AND removed_at IS NULL
                    """),
            arguments: [machine])
        return InstanceReport.maximumCount - (count ?? 0)
    }

    /// What is still true of an instance that waits for its next container: how its last one is.
    static func updateFormer(
        _ db: Database, _ report: InstanceReport, _ id: Instance.ID
    ) throws {
        try db.execute(
            sql: """
                UPDATE instance SET
                    status = ?, started_at = coalesce(?, started_at), ports = ?
                WHERE id = ? AND removed_at IS NULL
                """,
            arguments: [report.status, report.startedAt, try JSON.encode(report.ports), id])
    }

    /// Sees to it that the number on a container that is about to be adopted is given to no other instance: the agent
    /// knows the containers of that one by it.
    ///
    /// A machine's word takes a million numbers at most, and all words of all machines a trillion: of those that JSON
    /// can tell (2^53) nearly all are left.
    static func reserveNumber(
        _ db: Database, of report: InstanceReport, machine: Machine.ID
    ) throws {
        guard let number = report.instanceID else { return }
        let isKnown = try Bool.fetchOne(
            db,
            sql: """
                SELECT EXISTS (SELECT 1 FROM instance WHERE id = ?) OR EXISTS (
                    SELECT 1 FROM instance
                    WHERE machine_id = ? AND container_id = ? AND removed_at IS NULL)
                """,
            arguments: [number, machine, report.containerID])
        guard isKnown != true else { return }
        try db.execute(
            sql: """
                INSERT INTO sqlite_sequence (name, seq)
                SELECT 'instance', 0
                WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'instance')
                """)
        try db.execute(
            sql: """
                UPDATE sqlite_sequence SET seq = max(seq, min(?, seq + 1000000, 1000000000000))
                WHERE name = 'instance'
                """,
            arguments: [number])
    }
}
