"""The fixtures of all integration and client tests (a plugin of pytest; see bin/pytest)."""

import contextlib
import os
import signal

import pytest

from harness import making
from harness.boathook import BIN, Up
from harness.engine import Engine
from harness.fleet import Fleet
from harness.large import furnish_large
from harness.registry import Registry


def pytest_sessionstart(session):
    if not session.config.option.collectonly and not (BIN / "boathookd").exists():
        raise pytest.UsageError(f"no Boathook in {BIN}: run  bin/build debug")


@pytest.fixture(scope="session")
def engine():
    """The container engine; a private one unless BOATHOOK_ENGINE names another."""
    engine = Engine.obtain()
    yield engine
    engine.release()


@pytest.fixture(scope="session")
def up(engine, tmp_path_factory):
    """One `boathook up` that most tests share."""
    up = Up(engine, tmp_path_factory.mktemp("up"))
    yield up
    alive = up.process.is_alive
    tail = up.process.tail()
    if alive:
        status, _ = up.process.terminate()
        assert status == 0
    up.process.end()
    assert alive, f"boathook up ended during the tests: {tail}"


@pytest.fixture(scope="session")
def roomy():
    """An engine with room for many instances (harness/making.py)."""
    with making.roomy_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def home(roomy, tmp_path_factory):
    """One `boathook up` for a file of tests that makes instances in the roomy engine."""
    with making.home(roomy, tmp_path_factory.mktemp("home")) as up:
        yield up
    roomy.clear()


@pytest.fixture
def made(home):
    """Instances of the home; what a test has not destroyed is destroyed after it."""
    made = making.Instances(home)
    before = {row["id"] for row in home.instances()}
    yield made
    made.destroy(*({row["id"] for row in home.instances()} - before))


@pytest.fixture
def start_up(engine, tmp_path):
    """Starts further ones, each on its own folder, for tests that must not share."""
    started = []

    def start(*flags, **options):
        started.append(Up(engine, tmp_path / f"up{len(started)}", *flags, **options))
        return started[-1]

    yield start
    for one in started:
        one.process.end()


@pytest.fixture
def start_fleet(engine, tmp_path):
    """Starts a server and an agent as two processes, on a folder of the test's own."""
    started = []

    def start(*server_flags, **options):
        folder = tmp_path / f"fleet{len(started)}"
        folder.mkdir()
        started.append(Fleet(engine, folder, *server_flags, **options))
        return started[-1]

    yield start
    for one in started:
        one.end()


@pytest.fixture
def frozen_tool():
    """Stops a command's tool, and ends it at the latest with the test: `frozen_tool(client, container, command)`.

    It has minutes: what a test does meanwhile takes long on a busy machine.
    """
    stopped = []

    def start(client, container, command, **body):
        identifier, pid = client.frozen(client.instance_id(container), command, **{"timeout": 300, **body})
        stopped.append(pid)
        return identifier, pid

    yield start
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def new_container(engine):
    """Makes containers that the test may spoil."""
    made = []

    def make(*options, **more):
        made.append(engine.container(*options, **more))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def start_registry(tmp_path):
    """Starts image registries: `start_registry()`, or with a user and a password that they want."""
    started = []

    def start(user=None, password=None):
        folder = tmp_path / f"registry{len(started)}"
        folder.mkdir()
        started.append(Registry(folder, user, password))
        return started[-1]

    yield start
    for one in started:
        one.end()


# Files whose owners, links, sizes and names differ, the same in every container below.
FURNISH = r"""
mkdir -p /home/maria/notebooks /workspace/checkpoints/old "/workspace/with blank" /srv/empty
echo 'remove me' >/home/delete_this.txt
head -c 3000000 /dev/zero >/workspace/checkpoints/epoch-1.pt
head -c 5000000 /dev/zero >/workspace/checkpoints/old/epoch-0.pt
echo 'loss 0.12' >"/workspace/with blank/train.log"
ln -s /etc/passwd /workspace/absolute; ln -s ../home /workspace/relative; ln -s /nowhere /workspace/dangling
ln /workspace/checkpoints/epoch-1.pt /workspace/hard
mkfifo /workspace/pipe
touch "/workspace/caf"$'\303\251'
chmod 4755 /workspace/hard; chmod 1777 /srv/empty
chown -R 1000:1000 /home/maria; chown 4321:8765 /workspace/pipe
"""


def furnished(engine, *options, kind="debian"):
    container = engine.container(*options, kind=kind)
    container.shell(FURNISH)
    return container


@pytest.fixture(scope="session")
def running(engine):
    """A running Debian container with files and a named volume, that tests only read."""
    container = furnished(engine, "--volume", "boathook-test-data:/data")
    container.shell("mkdir -p /data/set && echo 1 >/data/set/one")
    yield container
    container.remove()
    engine.docker("volume", "rm", "boathook-test-data", check=False)


@pytest.fixture(scope="session")
def stopped(engine):
    """The same, stopped, and without a volume."""
    container = furnished(engine)
    container.stop()
    yield container
    container.remove()


@pytest.fixture(scope="session")
def many_files(engine):
    """A running container with a tree that takes a tool some tenths of a second."""
    container = engine.container()
    container.shell("for i in {1..20}; do mkdir -p /many/$i; touch /many/$i/{1..4000}; done")
    yield container
    container.remove()


@pytest.fixture(scope="session")
def large(engine):
    """A running container of which `du -a large` writes more than 100,000,000 bytes."""
    container = engine.container()
    furnish_large(container.merged)
    yield container
    container.remove()


@pytest.fixture(params=["running", "stopped"])
def either(request):
    """Each of the two containers that tests only read."""
    return request.getfixturevalue(request.param)
