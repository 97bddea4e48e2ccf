"""Details that official clients leave to the server (contract.md, 0.1, 3.3, 4, 5, 8)."""

import pytest

from harness.making import Instances
from harness.typist import VERSIONS, Typist, started

TABLE_ERRORS = ("Unknown format code", "Traceback", "rror:")

# Its whole life in one process: it pages through lists, and finds what it made by its id.
SYNC = """
import json, os, sys
from vastai.data.instance import InstanceConfig
from vastai.data.query import Query
from vastai.sync.client import SyncClient
client = SyncClient(api_key=os.environ["VAST_API_KEY"], vast_server=os.environ["VAST_URL"])
before = {instance.id for instance in client.show_instances()}
offers = client.search(Query.search_defaults(), target_reliability=0.5, limit=3, allocated_storage=10.0)
config = InstanceConfig(image=sys.argv[1], disk=10, label="by the SDK", runtype="ssh_direc ssh_proxy", env={"A": "b"})
made = offers[0].create_instance(config)
found = {instance.id: instance.label for instance in client.show_instances()}
made.destroy()
after = {instance.id for instance in client.show_instances()}
print(json.dumps([len(offers), made.id in before, found.get(made.id), made.id in after]))
"""


@pytest.fixture(params=VERSIONS)
def vastai(request, official, home, tmp_path):
    typist = Typist(official, request.param, home, tmp_path)
    typist(f"vastai set api-key {home.key}")
    Instances(home).offer
    return typist


def test_the_sdks_sync_client(official, home, made):
    made.offer
    assert official.python("1.9.1", home, SYNC, made.image) == [1, False, "by the SDK", False]


def test_machines_as_tables(vastai, home):
    [machine] = home.request("GET", "/api/v0/machines?owner=me").json["machines"]
    assert isinstance(machine["hostname"], str)
    for line in ("vastai show machines", f"vastai show machine {machine['id']}"):
        said = vastai(line)
        assert str(machine["id"]) in said.split() and not any(word in said for word in TABLE_ERRORS), said


def test_as_whom_a_program_runs(vastai, made):
    said = vastai(
        f"vastai create instance {made.offer} --image {made.image} --user 1234:1235 "
        "--onstart-cmd bash --args -c 'trap \"exit 0\" TERM; sleep infinity & wait'")
    identifier = started(said)["new_contract"]
    made.until(identifier, "running")
    assert made.container(identifier).inspect()["Config"]["User"] == "1234:1235"
    said = vastai.refused(f"vastai create instance {made.offer} --image {made.image} --user nobody --ssh --direct")
    assert "user is for runtype args" in said


def test_what_is_wrong_is_told_to_whoever_typed_it(vastai, made):
    create = f"vastai create instance {made.offer} --image"
    for words, told in [
        (f"{made.image} --disk 9999999", "disk is a number of GB, from 8 to 1,000,000."),
        (f"{made.image} --disk 0", "disk is a number of GB, from 8 to 1,000,000."),
        (f"{made.image} --env '-e \"Q=two words\"'", '"Q'),
        ("sha256:0123456789abcdef", "image is the name of an image"),
    ]:
        said = vastai.refused(f"{create} {words}")
        assert "400" in said and told in said, said


def test_a_wrong_key_is_told_to_whoever_searches(vastai, home):
    assert "Invalid user key" in vastai("vastai search offers --api-key nobodys")
    vastai("vastai search offers -n")


def test_the_last_key_without_limits_stays(vastai, home):
    keys = home.request("GET", "/api/v0/auth/apikeys/").json["apikeys"]
    [own] = [key["id"] for key in keys if key["permissions"] == {}]
    assert "only key without limits" in vastai.refused(f"vastai delete api-key {own}")
    assert home.request("GET", "/api/v0/users/current/").status == 200
