"""Everything of the host's own, after the last race."""

import os

from attack import sandbox
from attack.report import Skip, attack


@attack("races")
def the_host_is_untouched(arena, figures):
    """The layer that takes every change to any file of the host is still empty."""
    if not arena.raced:
        raise Skip("no race was run")
    figures["canary inodes"] = int(os.environ[sandbox.INODES])
    changed = sandbox.changed_on_the_host()
    figures["host files changed"] = len(changed)
    assert not changed, f"changed: {changed[:10]}"
    # The control: the same look sees a file that is made, and one whose mode is changed.
    open("/usr/canary", "w").close()
    mode = os.stat("/etc/hostname").st_mode
    os.chmod("/etc/hostname", mode ^ 0o001)
    seen = sandbox.changed_on_the_host()
    assert {"/usr/canary", "/etc/hostname"} <= set(seen), f"the control was not caught: {seen}"
    os.unlink("/usr/canary")
    figures["control"] = "caught"
