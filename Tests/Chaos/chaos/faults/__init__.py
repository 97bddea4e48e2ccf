"""The faults, one file for each sort. A fault is a function of the arena and of a random generator of its own.

It returns once everything that it broke is mended or on its way up again, and says whether it was injected: a
fault point that the workload did not reach was not.
"""

# Each of these registers its faults.
from chaos.faults import catalogue, disks, engine, kills, network, points, storms  # noqa: F401

ALL = catalogue.ALL
