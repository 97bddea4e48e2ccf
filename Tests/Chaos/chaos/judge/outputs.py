"""Outputs: whole and right, or marked as not complete."""

from chaos.instances import digest

NOT_STARTED = {"denied", "expired", "cancelled", "lost"}


def check_row(row, order, violations):
    """One command's row by itself, and against what its order must answer."""

    def violated(kind, text):
        violations.add(kind, f"{row['text'][:60]}: {text}", command=row["id"])

    size = (row["stdout_bytes"] or 0) + (row["stderr_bytes"] or 0)
    whole = bool(row["is_complete"])
    if row["state"] == "exited":
        expected = order.instance.expected.get(order.text) if order else None
        if expected is not None and whole:
            if row["exit_code"] != 0:
                violated("partial unmarked", f"it exited with {row['exit_code']}, and says that it is complete")
            elif row["sha256"] != digest(expected):
                violated(
                    "partial unmarked",
                    f"it says that it is complete; {size} bytes {row['sha256']}, and not {len(expected)} bytes")
    elif whole and size > 0:
        violated("partial unmarked", f"it is {row['state']} with {size} bytes, and says that they are complete")
    elif whole and row["state"] not in NOT_STARTED and row["started_at"] is not None:
        violated("partial unmarked", f"it is {row['state']}, and says that it is complete")
    if row["state"] == "lost" and order and order.kind != "writer":
        violated("lost", f"it changes nothing, and is lost: {row['note']}")


def check_body(accepted, row, violations):
    """The delivered bytes against the row."""
    size = (row["stdout_bytes"] or 0) + (row["stderr_bytes"] or 0)
    if accepted.body is None:
        violations.add("lost", f"{row['state']}, and its result was never delivered", command=row["id"])
    elif size > 0 or row["state"] == "exited":
        if accepted.body != (row["sha256"], size):
            violations.add(
                "wrong digest", f"the row says {row['sha256']}, {size} bytes; delivered: {accepted.body}",
                command=row["id"])


def check_prefix(body, row, order, violations):
    """What is there of an output that is not complete is the beginning of the right one."""
    expected = order.instance.expected.get(order.text) if order else None
    if expected is not None and not expected.startswith(body):
        violations.add(
            "partial unmarked", f"{row['state']}: {len(body)} bytes that are no beginning of the output",
            command=row["id"])


# The API's names of the database's columns, where they are not the same.
NAMES = {"is_complete": "complete"}
COLUMNS = ("state", "exit_code", "signal", "note", "stdout_bytes", "stderr_bytes", "sha256", "is_complete",
           "created_at", "started_at", "finished_at", "runtime")


def check_agreement(row, shown, violations):
    """The API shows what the database holds."""
    for column in COLUMNS:
        held, said = row[column], shown.get(NAMES.get(column, column))
        if column == "is_complete" and held is not None:
            held = bool(held)
        if held != said:
            violations.add(
                "state and effect", f"{column} is {held} in the database, {said} in the API", command=row["id"])
