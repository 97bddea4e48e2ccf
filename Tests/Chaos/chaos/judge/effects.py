"""Writers: how often a counter vanished, against what its commands say."""

# The tool had been started, and nobody says that it came to its end.
PERHAPS = {"lost", "timed_out", "signalled"}
# What an agent says of an order that comes again after it has handed its end over (Sources/Agent/Command/Intake.swift):
# its end was known, and no server has it.
FORGOTTEN = "its end was handed over"


def runs(row):
    """How often a command may have removed its file: at least, at most."""
    state = row["state"]
    if state == "exited":
        return (1, 1) if row["exit_code"] == 0 else (0, 0)
    if state in PERHAPS or state == "cancelled" and row["started_at"] is not None:
        return 0, 1
    return 0, 0


def check(order, rows, violations):
    """`rows` are the database's commands with this order's text."""
    count = order.counter.count
    command = rows[0]["id"] if rows else None
    story = ", ".join(f"{row['id']} {row['state']} {row['exit_code']}" for row in rows) or "no command"
    story += "".join(f"; gone at t = {when:.3f}" for when in order.counter.vanished)

    def violated(kind, text):
        violations.add(kind, f"{order.text}: {text} ({story})", command=command, target=order.target)

    bounds = [runs(row) for row in rows]
    least, most = sum(low for low, _ in bounds), sum(high for _, high in bounds)
    if order.key and count > 1:
        violated("duplicated", f"one Idempotency-Key, and it vanished {count} times")
    elif count > most:
        kind = "duplicated" if count > 1 else "state and effect"
        violated(kind, f"it vanished {count} times, and may have at most {most} times")
    elif count < least:
        violated("state and effect", f"it vanished {count} times, and must have at least {least} times")
    if any(FORGOTTEN in (row["note"] or "") for row in rows):
        violated("lost", "its end was known to its agent, which let go of it too early")
    if order.key and len(rows) > 1:
        violated("duplicated", "one Idempotency-Key, and several commands")
    if len(rows) > max(1, order.attempts):
        violated("duplicated", f"{order.attempts} attempts, and more commands than that")
    if order.key and any(row["state"] == "exited" and row["exit_code"] != 0 for row in rows):
        # The counter is there at all times but for some milliseconds after a run.
        violated("state and effect", "it failed on a file that was there, as if it had run before")
