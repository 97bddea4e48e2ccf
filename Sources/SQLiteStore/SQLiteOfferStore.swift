package import AgentLink
package import ControlPlane
internal import GRDB

// What machines have, and offer.
extension SQLiteStore {
    @discardableResult
    package func keep(_ report: MachineReport, machine: Machine.ID, at time: Double) async throws
        -> Bool
    {
        try await writes.write { db in
            let last = try String.fetchOne(
                db, sql: "SELECT report FROM machine WHERE id = ?", arguments: [machine])
            let isNewStart =
                try last.map { try (JSON.decode($0) as MachineReport).bootID != report.bootID }
                ?? false
            if isNewStart {
                try db.execute(
                    sql: """
                        UPDATE instance SET wish_number = wish_number + 1, is_settled = 0
                        WHERE machine_id = ? AND removed_at IS NULL AND wished = 'running'
                            AND specification IS NOT NULL
                        """,
                    arguments: [machine])
            }
            try db.execute(
                sql: "UPDATE machine SET report = ?, reported_at = ? WHERE id = ?",
                arguments: [try JSON.encode(report), time, machine])
            for count in report.offeredGPUCounts {
                try db.execute(
                    sql: """
                        INSERT INTO offer (machine_id, gpu_count) VALUES (?, ?)
                        ON CONFLICT DO NOTHING
                        """,
                    arguments: [machine, count])
            }
            return isNewStart
        }
    }

    package func reports(of machines: Set<Machine.ID>) async throws -> [Machine.ID: MachineReport] {
        guard !machines.isEmpty else { return [:] }
        return try await pool.read { db in
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT id, report FROM machine WHERE report IS NOT NULL
                        AND id IN (SELECT value FROM json_each(?))
                    """,
                arguments: [try JSON.encode(machines.sorted())])
            return Dictionary(
                try rows.map { ($0["id"] as Machine.ID, try JSON.decode($0["report"])) }
            ) { first, _ in first }
        }
    }

    package func machineRecords() async throws -> [MachineRecord] {
        try await pool.read { db in
            try Row.fetchAll(
                db, sql: "SELECT * FROM machine WHERE revoked_at IS NULL ORDER BY id"
            ).map { row in
                let machine = Machine(row: row)
                return MachineRecord(
                    machine: machine,
                    report: try (row["report"] as String?).map { try JSON.decode($0) },
                    free: try Self.capacity(db, machine: machine.id))
            }
        }
    }

    package func offers() async throws -> [Offer] {
        try await pool.read { db in try Self.offers(db, "TRUE", []) }
    }

    package func offer(_ id: Offer.ID) async throws -> Offer? {
        try await pool.read { db in try Self.offer(db, id) }
    }

    static func offer(_ db: Database, _ id: Offer.ID) throws -> Offer? {
        try offers(db, "offer.id = ?", [id]).first
    }

    /// What is left of a machine, as if one of its instances were not there; nil while it has reported nothing.
    static func capacity(
        _ db: Database, machine: Machine.ID, without instance: Instance.ID? = nil
    ) throws -> MachineCapacity? {
        guard
            let text = try String.fetchOne(
                db, sql: "SELECT report FROM machine WHERE id = ?", arguments: [machine])
        else { return nil }
        return try capacity(db, of: JSON.decode(text), machine: machine, without: instance)
    }

    private static func offers(
        _ db: Database, _ condition: String, _ arguments: StatementArguments
    ) throws -> [Offer] {
        let rows = try Row.fetchAll(
            db,
            sql: """
                SELECT machine.*, offer.id AS offer_id, gpu_count
                FROM offer JOIN machine ON machine.id = machine_id
                WHERE report IS NOT NULL AND revoked_at IS NULL AND \(condition) ORDER BY offer.id
                """,
            arguments: arguments)
        var capacities: [Machine.ID: (MachineReport, MachineCapacity)] = [:]
        var offers: [Offer] = []
        for row in rows {
            let machine = Machine(row: row)
            if capacities[machine.id] == nil {
                let report: MachineReport = try JSON.decode(row["report"])
                capacities[machine.id] = (
                    report, try capacity(db, of: report, machine: machine.id)
                )
            }
            // A machine that has lost GPUs keeps the ids of offers that it cannot hold.
            guard let (report, free) = capacities[machine.id],
                report.offeredGPUCounts.contains(row["gpu_count"])
            else { continue }
            offers.append(
                Offer(
                    id: row["offer_id"], machine: machine, gpuCount: row["gpu_count"],
                    report: report,
                    free: free))
        }
        return offers
    }

    private static func capacity(
        _ db: Database, of report: MachineReport, machine: Machine.ID,
        without instance: Instance.ID? = nil
    ) throws -> MachineCapacity {
        // Until a machine says that a container is gone, it takes what it took.
        let row = try Row.fetchOne(
            db,
            sql: """
                SELECT count(*) AS instances, total(disk_gb) AS claimed,
                    -- what is written beyond the promise was taken from the others
                    total(min(written_bytes, disk_gb * 1e9)) AS written,
                    -- what has not stopped yet may still run; what was never wished running does not
                    coalesce(sum(
                        CASE WHEN wished = 'stopped' AND (is_settled OR wish_number = 1) THEN 0
                        ELSE gpu_count END), 0) AS gpus
                FROM instance
                WHERE machine_id = ? AND removed_at IS NULL AND specification IS NOT NULL
                    AND id IS NOT ?
                """,
            arguments: [machine, instance])
        return MachineCapacity(
            of: report, instances: row?["instances"] ?? 0, gpus: row?["gpus"] ?? 0,
            claimedGB: row?["claimed"] ?? 0, writtenGB: (row?["written"] ?? 0) / 1e9)
    }
}
