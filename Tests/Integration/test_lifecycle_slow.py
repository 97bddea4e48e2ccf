"""What takes long for one instance, and is no concern of the others (docs/instances.md)."""

import pytest

from harness import making
from harness.gate import Gate
from harness.making import Instances


@pytest.fixture
def gate(roomy, tmp_path):
    gate = Gate(roomy, tmp_path / "s")
    yield gate
    gate.close()
    roomy.clear()


def test_a_container_that_is_made_for_long_holds_up_no_other(gate, tmp_path):
    """An engine copies what an image has where a new volume is mounted, and answers when it is done."""
    with making.home(gate.engine, tmp_path / "home") as up:
        made = Instances(up)
        offer = made.offer
        gate.hold(b"POST /containers/create")
        slow = made.make(offer, runtype="ssh_direc ssh_proxy")["new_contract"]
        assert gate.held.wait(60)
        other = made.create(offer=offer, runtype="ssh_direc ssh_proxy")
        assert made.row(slow)["actual_status"] == "loading"
        gate.opened.set()
        rows = [made.until(slow, "running"), made.row(other)]
        # What the slow one was to have was not given away meanwhile.
        assert len({row["ports"]["22/tcp"][0]["HostPort"] for row in rows}) == 2
        made.destroy(slow, other)
