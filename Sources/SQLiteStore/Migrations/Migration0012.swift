internal import GRDB

/// By what an order to make an instance is known when it comes again.
enum Migration0012 {
    static let name = "0012-instance-orders"

    static func run(_ db: Database) throws {
        try db.execute(
            sql: """
                CREATE TABLE instance_order (
                    instance_id INTEGER PRIMARY KEY REFERENCES instance (id),
                    -- which key gave it
                    key_id INTEGER NOT NULL REFERENCES api_key (id),
                    idempotency_key TEXT,
                    -- which of several instances that one call makes
                    part INTEGER NOT NULL,
                    -- HMAC-SHA256 of its words, with a key derived from the one in secrets.key
                    digest BLOB NOT NULL,
                    ordered_at REAL NOT NULL,
                    -- whether its caller was told
                    is_answered INTEGER NOT NULL DEFAULT 0
                ) STRICT;

                CREATE INDEX instance_order_named ON instance_order (key_id, idempotency_key, part)
                    WHERE idempotency_key IS NOT NULL;
                CREATE INDEX instance_order_lost ON instance_order (key_id, digest)
                    WHERE is_answered = 0;
                CREATE INDEX instance_order_age ON instance_order (ordered_at);
                """)
    }
}
