"""Policy documents, and what Boathook's own words on them are."""

import json

from harness.boathook import BIN
from harness.engine import run

HEAD = "boathook_policy: 1\nname: team\ndescription: A policy of a test.\n"


def document(folder, rules, name="team.yaml"):
    """Writes a policy with these rules, and gives its path."""
    path = folder / name
    path.write_text(HEAD + rules)
    return path


def policy(verb, *words, timeout=30):
    return run(BIN / "boathook", "policy", verb, *words, check=False, timeout=timeout, env={})


def explained(command, *flags):
    """The decision that `policy explain` makes without a server."""
    done = policy("explain", "--json", *flags, command)
    decision = json.loads(done.stdout)
    assert done.returncode == (0 if decision["verdict"] == "allow" else 1), done
    return decision
