"""Races: while tools run, the tenant changes names in its own tree as fast as it can (renameat2, RENAME_EXCHANGE)."""

# In this order: the last one looks at what all of them should have left alone.
from attack.races import links, mounts, operands, upwards  # noqa: F401
from attack.races import aftermath  # noqa: F401
