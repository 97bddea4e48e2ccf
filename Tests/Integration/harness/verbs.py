"""The verbs of `boathook`, run one after the other."""

import re


class Verbs:
    """Runs a verb as a client: what it writes, and that its exit status is as expected."""

    def __init__(self, client):
        self.client = client

    def __call__(self, *words, status=0, **more):
        done = self.client.cli(*words, timeout=90, **more)
        assert done.returncode == status, (words, done)
        # What went well is told on standard output, what did not on standard error.
        assert bool(done.stderr) == bool(status) and b"Fatal error" not in done.stderr, (words, done)
        return (done.stderr if status else done.stdout).decode()


def made_by(said):
    """The id of the instance that a create told of."""
    return int(re.fullmatch(r"instance (\d+)\n", said)[1])


def image_with_a_layer(engine, word):
    """The name of a small image with a layer of 24 MB that nothing can press together; to be pulled slowly."""
    container = engine.container(adopted=False)
    container.shell("head -c 24000000 /dev/urandom >/workspace/random")
    engine.docker("commit", container.name, f"boathook-test-{word}:1")
    container.remove()
    return f"boathook-test-{word}:1"
