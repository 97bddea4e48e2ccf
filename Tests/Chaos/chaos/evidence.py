"""Everything that the work folder knows of one command or one counter."""

import re

from chaos.judge import database


def evidence(fleet, history):
    """A function that gives lines: the clients' history, the row, what the logs say."""

    def about(command, target):
        lines = []
        words = []
        if command is not None:
            words += [f'"command": {command},', f'"command": {command}}}']
            row = row_of(command)
            lines.append(f"row: {shown(row)}")
            if target is None and row and row["text"].startswith("rm counters/"):
                target = row["text"].removeprefix("rm counters/")
        if target is not None:
            words.append(f'"rm counters/{target}"')
        lines += history.about(*words)[:40] if words else []
        if command is not None:
            pattern = re.compile(rf"command\.id=\"?{command}\b")
            for name in ("server", "agent"):
                log = fleet.nodes[name].log
                found = [line for line in log.read_text(errors="replace").splitlines() if pattern.search(line)]
                lines += [f"{name}.log: {line[:300]}" for line in found[:12]]
        return lines

    def row_of(command):
        try:
            return database.commands(fleet.data).get(command)
        except Exception as error:  # the server's disk may be away at this moment
            return f"not readable now: {error}"

    return about


def shown(row):
    """Without what is long, and the same as in the history."""
    if isinstance(row, dict):
        return {name: value for name, value in row.items() if name not in ("decision", "result_digest")}
    return row
