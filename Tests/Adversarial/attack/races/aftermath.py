"""Everything of the host's own, after the last race."""

import os

from attack.races.host import PACKAGES, look
from attack.report import Skip, attack


@attack("races")
def the_host_is_untouched(arena, figures):
    if arena.host_before is None:
        raise Skip("no race was run")
    snapshot, packages = arena.host_before
    after = look()
    figures["canary inodes"] = len(snapshot.table)
    figures["digest"] = after.digest
    changed = snapshot.differences(after)
    if changed and os.stat(PACKAGES).st_mtime_ns != packages:
        raise Skip("packages were installed on this host meanwhile")
    figures["host files changed"] = len(changed)
    assert not changed, f"changed: {changed[:10]}"
