"""What is promised to be quick, on a machine that may itself be slow."""


def least_of(measure, bound, times=3):
    """The first of some measurements that is below the bound, or the least of them.

    Whatever else runs on this machine only adds to each; what the product itself takes is in all of them.
    """
    taken = []
    while not taken or (taken[-1] >= bound and len(taken) < times):
        taken.append(measure())
    return min(taken)
