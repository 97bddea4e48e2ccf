"""Which faults there are, and how often each is drawn."""

ALL = {}


class Fault:
    def __init__(self, name, weight, inject):
        self.name = name
        self.weight = weight
        self.inject = inject


def fault(name, weight):
    """Registers a function as the fault of that name."""

    def register(inject):
        ALL[name] = Fault(name, weight, inject)
        return inject

    return register
