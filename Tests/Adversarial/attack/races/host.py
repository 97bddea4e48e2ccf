"""Everything of the host's own, as it was before the first race."""

import os

from attack.canary import Snapshot

TREES = ("/usr", "/etc", "/boot", "/opt", "/srv")
PACKAGES = "/var/lib/dpkg/status"


def look():
    return Snapshot([], [path for path in TREES if os.path.isdir(path) and not os.path.islink(path)])


def remember(arena):
    """Called by every race; the first one counts."""
    if arena.host_before is None:
        arena.host_before = look(), os.stat(PACKAGES).st_mtime_ns
