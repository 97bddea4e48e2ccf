"""Official clients search for offers, and make and change instances, one and several (contract.md, 3.5, 4 and 5)."""

import pytest

from harness.making import Instances
from harness.typist import VERSIONS, Typist, started
from harness.waiting import eventually


@pytest.fixture(params=VERSIONS)
def vastai(request, official, home, tmp_path):
    return Typist(official, request.param, home, tmp_path)


@pytest.fixture
def ready(vastai):
    """With its key set, and the machine offered."""
    vastai(f"vastai set api-key {vastai.up.key}")
    Instances(vastai.up).offer
    return vastai


@pytest.mark.slow
def test_search(ready):
    offer = Instances(ready.up).offer
    [row] = ready.raw("vastai search offers")
    assert row["id"] == offer
    cores, disk = row["cpu_cores"], row["disk_space"]
    for query, finds in [
        (f"cpu_cores={cores}", True), (f"cpu_cores>{cores}", False), (f"cpu_cores>={cores}", True),
        (f"disk_space>={disk - 1}", True), (f"disk_space>{disk + 100}", False), ("cpu_ram>0.1", True), ("cpu_ram>1000000", False),
        ("verified=true rentable=true external=false", True), ("verified=false", False), ("reliability>0.98", True),
        ("duration>24", True), ("dph<=0", True), ("dph>0.01", False), (f"num_gpus in [{row['num_gpus']},8]", True),
        (f"num_gpus notin [{row['num_gpus']}]", False), (f"machine_id={row['machine_id']}", True), (f"machine_id!={row['machine_id']}", False),
        ("cpu_arch=arm64" if row["cpu_arch"] == "amd64" else "cpu_arch=amd64", False), (f"cpu_arch={row['cpu_arch']}", True),
        ("gpu_name=RTX_9999", False), ("driver_version >= 999.86.05", False), ("direct_port_count>=1 static_ip=true", True),
    ]:
        found = [row["id"] for row in ready.raw(f"vastai search offers '{query}'")]
        assert found == ([offer] if finds else []), query
    assert ready.raw("vastai search offers --type bid") == []
    assert [row["id"] for row in ready.raw("vastai search offers -n --limit 1 --storage 20 -o 'num_gpus,dph-'")] == [offer]
    table = ready("vastai search offers -n")
    assert str(offer) in table.split() and "Unknown format code" not in table
    assert "Unknown format code" not in ready("vastai search offers --type reserved -n")
    new = ready("vastai search offers --new")
    assert str(offer) in new.split() and "invalid return" not in new
    assert "nonsense" in ready.refused("vastai search offers 'nonsense=1'")


def test_several_at_once(ready):
    made = Instances(ready.up)
    ids = []
    for number in range(3):
        said = ready(f"vastai create instance {made.offer} --image {made.image} --label many{number}")
        ids.append(started(said)["new_contract"])
    words = " ".join(map(str, ids))
    for identifier in ids:
        made.until(identifier, "running")
    assert "stopping instance" in ready(f"vastai stop instances {words}")
    for identifier in ids:
        made.until(identifier, "exited")
    assert "starting instance" in ready(f"vastai start instances {words}")
    for identifier in ids:
        made.until(identifier, "running")
    listed = {row["id"]: row["label"] for row in ready.raw("vastai show instances")}
    assert [listed[identifier] for identifier in ids] == ["many0", "many1", "many2"]
    yes = " -y" if ready.version == "1.9.1" else ""
    said = ready(f"vastai destroy instances {words}{yes}")
    assert "destroying instance" in said and "rror" not in said
    eventually("nothing is left of them", lambda: not set(ids) & set(made.containers()), 60, every=0.1)


@pytest.mark.parametrize("vastai", ["1.9.1"], indirect=True)
def test_several_creates_at_once(ready):
    made = Instances(ready.up)
    said = ready(f"vastai create instances {made.offer} {made.offer} --image {made.image}")
    ids = started(said)["created"]
    assert len(set(ids)) == 2
    for identifier in ids:
        made.until(identifier, "running")
    made.destroy(*ids)


def test_options_of_create(ready, tmp_path):
    """The examples of `vastai create instance --help`."""
    made = Instances(ready.up)
    (tmp_path / "onstart.sh").write_text("echo from a file >/workspace/said\n")
    said = ready(
        f"vastai create instance {made.offer} --image {made.image} --disk 12 --onstart onstart.sh --direct --ssh "
        "--env '-e TZ=PDT -e XNAME=XX4 -p 22:22 -p 8081:8081/udp -h billybob' --cancel-unavail")
    first = started(said)["new_contract"]
    made.until(first, "running")
    container = made.container(first)
    told = container.inspect()["Config"]
    assert {"TZ=PDT", "XNAME=XX4"} <= set(told["Env"]) and told["Hostname"] == "billybob"
    eventually(
        "its script has run", lambda: container.exec("cat", "/workspace/said", check=False).stdout == b"from a file\n", every=0.1)
    env = ready.raw(f"vastai show instance {first}")["extra_env"]
    assert env["TZ"] == "PDT"

    said = ready(
        f"vastai create instance {made.offer} --image {made.image} --onstart-cmd 'bash' "
        "--args -c 'echo hello; trap \"exit 0\" TERM; sleep infinity & wait'")
    second = started(said)["new_contract"]
    made.until(second, "running")
    assert made.container(second).inspect()["Path"] == "bash"
    made.destroy(first, second)
    for options, words in [
        ("--image x --bid_price 0.1", "price"), ("--template_hash 661d064bbda1f2a133816b6d55da07c3", "emplate"),
        ("--image x --env '-v /etc:/etc'", "/etc"), ("", "image"),
    ]:
        assert words in ready.refused(f"vastai create instance {made.offer} {options}")
    assert "404" in ready.refused(f"vastai create instance 99999999 --image {made.image}")
    assert "410" in ready.refused(f"vastai create instance 99999999 --image {made.image} --cancel-unavail")


def test_the_image_for_this_machine(ready):
    """`IMAGE:@vastai-automatic-tag` is the server's to resolve: the quick start's own image has it."""
    made = Instances(ready.up)
    repository = made.image.partition(":")[0]
    made.engine.docker("tag", made.image, f"{repository}:latest")
    said = ready(f"vastai create instance {made.offer} --image {repository}:@vastai-automatic-tag --disk 20 --ssh --direct")
    identifier = started(said)["new_contract"]
    made.until(identifier, "running")
    made.destroy(identifier)
