"""All that one run stands on: engine, containers, fleet, clients, ledger and judge."""

import collections
import pathlib
import shutil
import tempfile
import time

from chaos import executables
from chaos.client import ChaosClient
from chaos.counters import Counters
from chaos.evidence import evidence
from chaos.fleet import Fleet
from chaos.gate import Gate
from chaos.history import History
from chaos.instances import furnish, learn
from chaos.judge.judge import Judge
from chaos.judge.residue import Residue
from chaos.ledger import Ledger
from chaos.violations import Violations
from chaos.workload import Workload
from harness.engine import ROOT, Engine, run

RUNNING, STOPPED = 3, 2


def private_engine():
    """Never one that somebody else uses: it is killed."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-chaos-engine.", dir="/tmp"))
    engine = Engine(f"unix://{folder}/e/engine.sock", folder)
    try:
        run(ROOT / "bin/engine", "start", "--private", folder / "e")
    except BaseException:
        engine.release()
        raise
    return engine


class Arena:
    """Made step by step, each step with its way back on `stack`."""

    def __init__(self, options, stack):
        self.options = options
        self.injected = collections.Counter()
        self.missed = collections.Counter()
        self.exits = collections.Counter()
        self.number = 0
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="boathook-chaos.", dir="/tmp"))
        self._evidence = lambda command, target: []
        self.violations = Violations(lambda command, target: self._evidence(command, target))
        stack.callback(self._remove_folder)
        executables.copy(self.folder / "bin")
        self.history = History(self.folder / "history.jsonl")
        stack.callback(self.history.close)
        self.engine = private_engine()
        stack.callback(self.engine.release)
        self.instances = furnish(self.engine, RUNNING, STOPPED)
        # Results are kept for the whole run, so that its length counts.
        self.fleet = Fleet(self.engine, self.folder, 256 + options.rounds, self._died)
        stack.callback(self.fleet.end)
        self.fleet.begin()
        self._evidence = evidence(self.fleet, self.history)
        learn(self.instances, self.fleet)
        self.ledger = Ledger(self.violations)
        self.counters = Counters(lambda: time.monotonic() - self.history.started)
        stack.callback(self.counters.close)
        self.client = self.make_client("nemesis")
        self.gate = Gate()
        self.workload = Workload(
            options.seed, options.clients, self.gate, self.make_client, self.instances, self.ledger)
        stack.callback(self.workload.end)
        self.judge = Judge(self)
        self.residue = Residue(self.fleet, self.engine, self.instances)

    def make_client(self, name):
        return ChaosClient(name, self.fleet, self.ledger, self.counters, self.history)

    def write(self, instance, number):
        """One writer of the nemesis' own, that it knows to be accepted."""
        name = f"nemesis-{number}-{instance.id}"
        if order := self.client.writer(instance, name, f"key-{name}"):
            self.client.put_until_known(order)

    def say(self, kind, **fields):
        self.history.write("nemesis", kind, **fields)

    def _died(self, node, status):
        """A process that ended though nobody had asked it to."""
        self.say("died", node=node.name, status=status)
        self.violations.add("died", f"the {node.name} ended by itself with {status}: {node.tail()}")

    def _remove_folder(self):
        shutil.rmtree(self.folder / "bin", ignore_errors=True)
        if self.options.keep or self.violations.total or self.missed.total():
            print(f"work folder: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
