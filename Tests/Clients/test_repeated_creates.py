"""Stock clients of 1.x send a create again when its connection breaks (contract.md, 0.4)."""

import threading
import time

import pytest

from harness import making
from harness.fleet import Fleet
from harness.making import Instances
from harness.patient import Patient
from harness.sdk import SDK_1

CREATE = SDK_1 + """
print(json.dumps(client.create_instance(int(sys.argv[1]), image=sys.argv[2], disk=10, label="once")))
"""


@pytest.fixture
def fleet(roomy, tmp_path, monkeypatch):
    monkeypatch.setenv("BOATHOOK_FAULTS", str(tmp_path))
    fleet = Fleet(roomy, tmp_path, agent_flags=making.flags())
    yield fleet
    fleet.end()
    roomy.clear()


def test_a_create_that_the_sdk_sends_again_is_one_instance(official, fleet, tmp_path):
    """The server dies when the instance is made; one that comes back at once gets the order a second time."""
    made = Instances(fleet)
    offer = made.offer
    took = []

    def revive():
        fleet.server.process.wait(60)
        began = time.monotonic()
        fleet.start_server()
        took.append(time.monotonic() - began)

    # The order is held for ten seconds, which a busy machine may spend on the server's start.
    while not took or (took[-1] > 5 and len(took) < 3):
        made.destroy(*(row["id"] for row in fleet.instances()))
        (tmp_path / "server.instance-stored").touch()
        reviver = threading.Thread(target=revive)
        reviver.start()
        with Patient(fleet.port) as patient:
            reply = official.python("1.9.1", fleet, CREATE, offer, made.image, url=patient.url)
            reviver.join(60)
            assert patient.connections > 1, "it asked once"
    assert reply["success"] is True
    assert [row["id"] for row in fleet.instances()] == [reply["new_contract"]]
    made.until(reply["new_contract"], "running", 60)
    made.destroy(reply["new_contract"])
