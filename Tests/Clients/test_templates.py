"""Unchanged official clients keep templates, and make instances from them (contract.md, 4 and 10; docs/templates.md)."""

import ast
import json

import pytest

from harness.making import Instances
from harness.sdk import SDK_1
from harness.typist import VERSIONS, Typist, started
from harness.waiting import eventually

PATH = "/api/v0/template/"


@pytest.fixture(params=VERSIONS)
def vastai(request, official, home, tmp_path):
    typist = Typist(official, request.param, home, tmp_path)
    typist(f"vastai set api-key {home.key}")
    return typist


@pytest.fixture
def image(made):
    """The name and the tag of an image that the machine has."""
    name, _, tag = made.image.rpartition(":")
    return name, tag


@pytest.fixture(autouse=True)
def none_left(home):
    yield
    for row in home.request("GET", PATH).json["templates"]:
        assert home.request("DELETE", PATH, body={"template_id": row["id"]}).status == 200


def searched(vastai, query=""):
    return json.loads(vastai(f"vastai search templates {query}"))


def kept(home, **fields):
    answer = home.request("POST", PATH, body=fields)
    assert answer.status == 200 and answer.json["success"] is True, answer
    return answer.json["template"]


def test_from_a_template_to_an_instance(vastai, made, image):
    name, tag = image
    flags = f"--name my_trainer --image {name} --ssh --direct --onstart-cmd 'echo hello >/said' --disk_space 9"
    said = vastai(
        f"vastai create template {flags} --image_tag nothing --env '-e MODE=fast -p 8080:8080' --search_params 'num_gpus>=0'")
    first = ast.literal_eval(said.partition("New Template: ")[2].strip())
    assert first["name"] == "my_trainer" and len(first["hash_id"]) == 32
    [row] = searched(vastai, "'name=my_trainer private=true'")
    assert (row["id"], row["hash_id"], row["image"], row["tag"]) == (first["id"], first["hash_id"], name, "nothing")
    assert row["runtype"] == "ssh" and row["ssh_direct"] is True and row["recommended_disk_space"] == 9
    assert row["extra_filters"]["num_gpus"] == {"gte": "0"} and row["extra_filters"]["rentable"] == {"eq": True}
    assert searched(vastai, "'name=another'") == [] and searched(vastai, "'count_created>0'") == []

    # A change is all of it anew, under another hash.
    said = vastai(
        f"vastai update template {first['hash_id']} {flags} --image_tag {tag} --env '-e MODE=fast -e BOTH=\"one two\" -p 8080:8080'")
    second = json.loads(said.partition("updated template: ")[2])
    assert second["id"] == first["id"] and second["hash_id"] != first["hash_id"]
    [row] = searched(vastai)
    assert (row["hash_id"], row["tag"]) == (second["hash_id"], tag)

    said = vastai(f"vastai create instance {made.offer} --template_hash {second['hash_id']} --env '-e MODE=slow'")
    identifier = started(said)["new_contract"]
    made.until(identifier, "running")
    container = made.container(identifier)
    config = container.inspect()["Config"]
    assert config["Image"].endswith(made.image) and {"MODE=slow", "BOTH=one two"} <= set(config["Env"])
    eventually("its script has run", lambda: container.exec("cat", "/said", check=False).stdout == b"hello\n", every=0.1)
    shown = vastai.raw(f"vastai show instance {identifier}")
    assert (shown["template_id"], shown["template_hash_id"], shown["template_name"]) == (second["id"], second["hash_id"], "my_trainer")
    assert shown["extra_env"]["BOTH"] == "one two" and shown["image_runtype"] == "ssh"
    # The command line says how much disk, whether it was told so or not.
    assert shown["disk_space"] == 10
    assert [row["id"] for row in searched(vastai, "'count_created>=1'")] == [second["id"]]

    assert "Template deleted." in vastai(f"vastai delete template --hash-id {second['hash_id']}")
    assert searched(vastai) == []
    assert "no such template" in vastai.refused(f"vastai create instance {made.offer} --template_hash {second['hash_id']}")
    assert made.row(identifier)["template_name"] == "my_trainer"


def test_the_sdk(official, home, made, image):
    name, tag = image
    script = SDK_1 + """
image = {"image": sys.argv[1], "image_tag": sys.argv[2], "ssh": True}
made = client.create_template(name="by the SDK", env="-e A=1", disk_space=9.5, **image)["template"]
found = client.search_templates({"hash_id": {"eq": made["hash_id"]}})
changed = client.update_template(hash_id=made["hash_id"], name="changed", **image)["template"]
listed = client.search_templates()
gone = client.delete_template(template_id=made["id"])
print(json.dumps([made, found, changed, listed, gone, client.search_templates()]))
"""
    first, found, changed, listed, gone, rest = official.python("1.9.1", home, script, name, tag)
    assert [row["recommended_disk_space"] for row in found] == [9.5] and found[0]["env"] == "-e A=1"
    assert changed["id"] == first["id"] and [(row["name"], row["env"]) for row in listed] == [("changed", None)]
    assert gone["success"] is True and rest == []


def test_what_the_order_leaves_out_is_the_templates(home, made):
    template = kept(home, name="whole", image=made.image, env="-e A=1", recommended_disk_space="9", runtype="ssh")
    reply = made.make(image=None, disk=None, env=None, target_state="stopped", template_id=template["id"])
    row = made.row(reply["new_contract"])
    assert (row["disk_space"], row["image_uuid"], row["template_hash_id"]) == (9, made.image, template["hash_id"])
    launched = home.request("PUT", "/api/v0/launch_instance/", body={"template_hash_id": template["hash_id"], "target_state": "stopped"})
    assert launched.status == 200 and made.row(launched.json["new_contract"])["template_id"] == template["id"]


@pytest.mark.parametrize("version", VERSIONS)
def test_another_users_private_template_is_as_if_it_were_not_there(official, home, made, version):
    other = home.other_user(f"templates-{version.replace('.', '-')}")
    hidden = kept(home, name="hidden", image=made.image, env="-e SECRET=1")
    done = official.cli(version, other, "search", "templates")
    assert done.returncode == 0 and json.loads(done.stdout) == []
    theirs = Instances(other, made.image)
    named = [{"template_hash_id": hidden["hash_id"]}, {"template_id": hidden["id"]}, {"template_hash_id": "0" * 32}, {"template_id": 4711}]
    answers = [theirs.ask(offer=made.offer, image=None, **fields) for fields in named]
    assert {(answer.status, json.dumps(answer.json)) for answer in answers} == {(answers[0].status, json.dumps(answers[0].json))}
    assert answers[0].status == 400 and answers[0].json["msg"] == "There is no such template."
    open_to_all = kept(home, name="open", image=made.image, private=False)
    done = official.cli(version, other, "search", "templates")
    assert [row["id"] for row in json.loads(done.stdout)] == [open_to_all["id"]]
    for method, body in (("DELETE", {}), ("PUT", {"image": "x"})):
        answer = other.request(method, PATH, body={"hash_id": open_to_all["hash_id"], **body})
        assert answer.status == 404 and answer.json["error"] == "not_found"


def test_boathooks_own_verbs(home, made):
    def boathook(*words, status=0):
        done = home.cli(*words)
        assert done.returncode == status, done
        return done.stdout.decode()

    words = boathook("create", "template", "--name", "own", "--image", made.image, "--env", "-e A=1 -p 8080:8080", "--disk", "9").split()
    word, identifier, digits = words
    assert word == "template"
    table = boathook("search", "templates", "name=own").splitlines()
    assert len(table) == 2 and table[1].split()[:3] == [identifier, digits, "own"]
    reply = json.loads(boathook("create", "instance", made.offer, "--template", digits, "--stopped", "--json"))
    row = made.row(reply["new_contract"])
    assert (row["disk_space"], row["image_uuid"], row["template_name"]) == (9, made.image, "own")
    assert "deleted" in boathook("delete", "template", digits)
    boathook("delete", "template", identifier, status=1)
    boathook("create", "instance", made.offer, "--template", digits, status=125)
