"""Attacks on the jail, each with a control: a jail with one protection taken away, which the same attack must catch."""
