"""The containers that commands are for, and what each reader must answer in them."""

import dataclasses
import hashlib

from harness import reference

# small: a screenful. mid: two thousand files. big: fifteen thousand files with long names. s: for slow commands.
FURNISH = """
mkdir -p /tree/small /tree/mid /tree/big /counters && touch /counters/.here
touch /tree/small/{1..60} && ln -s 1 /tree/small/link && head -c 100000 /dev/zero >/tree/small/zeros
for i in {1..10}; do mkdir /tree/mid/$i; touch /tree/mid/$i/file-{1..200}; done
for i in {1..30}; do
    mkdir /tree/big/$i; touch /tree/big/$i/a-name-as-long-as-people-give-to-checkpoints-{1..500}.pt
done
mkdir /s; touch /s/{1..4000}
"""

# Command and weight. The outputs have about 4 KB, 30 KB, 150 KB, 1 MB, 1.6 MB and 3 MB.
READERS = {
    "ls -l tree/small": 30,
    "ls -a tree/mid/3 tree/small": 15,
    "du -a tree/mid": 20,
    "ls -lR tree/mid": 15,
    "du -a tree/big": 2,
    "ls -lR tree/big": 2,
    "ls -lR tree/big tree/big": 1,
    # Long work and a short answer: a tool that lives long enough to be caught.
    "du -s -l " + " ".join(["s"] * 20): 6,
    "du -s -l " + " ".join(["s"] * 60): 2,
}
# Takes longer than a second.
SLOW = "du -s -l " + " ".join(["s"] * 240)


@dataclasses.dataclass
class Instance:
    container: object
    is_running: bool
    counters: str  # the folder of the counters, as the host sees it
    merged: str  # where the engine mounts its root
    id: int = 0
    expected: dict = dataclasses.field(default_factory=dict)

    def mounts(self):
        """What the container sees mounted, without the numbers that change with each start."""
        if not self.is_running:
            return None
        return sorted(tuple(line.split()[3:5]) for line in self.container.mount_table())


def furnish(engine, running, stopped):
    """Containers with the same trees: their layer is shared, their counters are each one's own."""
    first = engine.container()
    first.shell(FURNISH)
    engine.docker("commit", first.name, "boathook-chaos:1", timeout=300)
    first.remove()
    instances = []
    for number in range(running + stopped):
        is_running = number < running
        container = engine.container(image="boathook-chaos:1")
        # In the layer below it is there too; a new one in the upper layer alone needs no whiteouts.
        container.shell("rm -r /counters && mkdir /counters && touch /counters/.here")
        data = container.inspect()["GraphDriver"]["Data"]
        if not is_running:
            container.stop()
        root = data["MergedDir"] if is_running else data["UpperDir"]
        instances.append(Instance(container, is_running, f"{root}/counters", data["MergedDir"]))
    return instances


def learn(instances, fleet):
    """What each reader answers when all is well: by Boathook, and the same by GNU's own tools without it."""
    for instance in instances:
        status = "running" if instance.is_running else "exited"
        instance.id = fleet.instance_id(instance.container, status=status)
        for command in READERS:
            output, row = fleet.run(instance.id, command)
            assert (row["state"], row["exit_code"]) == ("exited", 0), row
            stdout, stderr, _ = reference.gnu(instance.container, *command.split(" "))
            assert (output, b"") == (stdout, stderr), f"{command} in {instance.container.name} differs from GNU's"
            instance.expected[command] = output


def digest(data):
    return hashlib.sha256(data).hexdigest()
