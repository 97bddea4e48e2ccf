"""The server's own rows, read beside it and without changing anything."""

import contextlib
import sqlite3


def commands(data):
    """Every command by its id."""
    with contextlib.closing(sqlite3.connect(f"file:{data}/boathook.db?mode=ro", uri=True, timeout=10)) as database:
        database.row_factory = sqlite3.Row
        return {row["id"]: dict(row) for row in database.execute("SELECT * FROM command ORDER BY id")}


def open_count(data):
    with contextlib.closing(sqlite3.connect(f"file:{data}/boathook.db?mode=ro", uri=True, timeout=10)) as database:
        return database.execute("SELECT count(*) FROM command WHERE finished_at IS NULL").fetchone()[0]
