"""Hostile trees: what a tenant can put into its files, given to ls, du and rm.

What must hold for each: the exact output or an honest error, the limits obeyed, no hang, nothing outside touched, and
nothing left behind.
"""

from attack.trees import large, layers, names, nodes, permissions  # noqa: F401
