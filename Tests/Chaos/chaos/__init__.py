"""The fault harness: Boathook under a seeded series of faults, and a judge of what it promised."""
