internal import GRDB

/// Jobs that are done again and again, and their due times.
enum Migration0010 {
    static let name = "0010-scheduled-jobs"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE scheduled_job (
                    id INTEGER PRIMARY KEY AUTOINCREMENT,
                    account_id INTEGER NOT NULL REFERENCES account (id),
                    key_id INTEGER NOT NULL REFERENCES api_key (id),
                    instance_id INTEGER NOT NULL REFERENCES instance (id),
                    -- execute, reboot
                    action TEXT NOT NULL,
                    -- JSON with sorted keys; of reboot {}
                    body TEXT NOT NULL,
                    -- HOURLY, DAILY, WEEKLY
                    frequency TEXT NOT NULL,
                    -- 0 is Sunday; NULL where the frequency has none
                    day_of_the_week INTEGER,
                    hour_of_the_day INTEGER,
                    min_of_the_hour INTEGER NOT NULL,
                    start_time REAL NOT NULL,
                    end_time REAL NOT NULL,
                    -- NULL when it is never due again
                    next_due_at REAL,
                    fired INTEGER NOT NULL DEFAULT 0,
                    skipped INTEGER NOT NULL DEFAULT 0
                ) STRICT;

                CREATE UNIQUE INDEX scheduled_job_same
                    ON scheduled_job (account_id, instance_id, action, body, frequency);
                CREATE INDEX scheduled_job_due ON scheduled_job (next_due_at)
                    WHERE next_due_at IS NOT NULL;

                -- a due time at which its job was to be fired: once, by the primary key
                CREATE TABLE scheduled_run (
                    job_id INTEGER NOT NULL REFERENCES scheduled_job (id) ON DELETE CASCADE,
                    due_at REAL NOT NULL,
                    -- when that was begun which must not be done twice
                    begun_at REAL,
                    -- fired, refused, missed, lost; NULL until it has ended
                    state TEXT,
                    command_id INTEGER,
                    note TEXT,
                    PRIMARY KEY (job_id, due_at)
                ) STRICT, WITHOUT ROWID;

                CREATE INDEX scheduled_run_open ON scheduled_run (due_at) WHERE state IS NULL;
                """)
    }
}
