"""Where images come from and what is in them: pulls with progress, pulls that fail, images without a shell."""

import re

import pytest

from harness import making
from harness.engine import run
from harness.sluice import Sluice
from harness.verbs import image_with_a_layer
from harness.waiting import eventually

# Stays until SIGTERM, and needs nothing but the kernel.
PROGRAM = r"""
#include <signal.h>
#include <unistd.h>
static void end(int signal) { (void)signal; _exit(0); }
int main(void) { signal(SIGTERM, end); write(1, "up\n", 3); for (;;) pause(); }
"""


def failed(made, words, *, seconds=60, **body):
    """The id of an instance whose container does not come about, and says why."""
    identifier = made.make(**body)["new_contract"]
    row = made.until(identifier, "exited", seconds)
    assert row["status_msg"].startswith("Error") and words in row["status_msg"], row
    assert row["container_id"] is None and row["intended_status"] == "running"
    return identifier


# Pulls

def pushed(registry, engine, word):
    """Puts an image with a large layer there, and leaves nothing of that in the engine."""
    image = image_with_a_layer(engine, word)
    registry.push(engine, image, f"{word}:1")
    engine.docker("rmi", image)


def test_a_pull_tells_how_far_it_is(made, start_registry):
    registry = start_registry()
    pushed(registry, made.engine, "large")
    with Sluice(registry.host, 12_000_000) as sluice:
        identifier = made.make(image=f"{sluice.host}/large:1")["new_contract"]
        row = eventually(
            "some of it has come",
            lambda: (found := made.row(identifier)) and re.search(r"\b(\d+) of 24 MB", found["status_msg"] or "") and found, 60, every=0.05)
        so_far = int(re.search(r"\b(\d+) of 24 MB", row["status_msg"])[1])
        assert 0 <= so_far < 13 and "large" in row["status_msg"]
        assert row["actual_status"] == "loading" and row["intended_status"] == "running"
        # Another one is not held up by it.
        made.destroy(made.create())
        sluice.opened.set()
        row = made.until(identifier, "running")
        assert "MB" not in row["status_msg"]
        assert made.container(identifier).exec("ls", "/workspace").stdout == b"random\n"
        made.destroy(identifier)


def test_destroyed_while_it_is_pulled(made, start_registry):
    registry = start_registry()
    pushed(registry, made.engine, "another")
    with Sluice(registry.host, 6_000_000) as sluice:
        identifier = made.make(image=f"{sluice.host}/another:1")["new_contract"]
        made.until(identifier, "loading")
        assert made.order_destroy(identifier).status == 200
        assert made.row(identifier) is None
        # Its place is free before the rest of the image has come, if it ever does.
        free = made.offers()[0]
        eventually("its disk is free again", lambda: made.offers()[0]["disk_space"] > free["disk_space"] - 4)
        sluice.opened.set()
        made.destroy(made.create())
        assert identifier not in made.containers()


def test_an_image_that_is_there_is_not_pulled(made):
    """Its name has no registry that could be asked."""
    made.destroy(made.create(image=made.image))


def test_an_image_that_is_not_there(made, start_registry):
    registry = start_registry()
    name = f"{registry.host}/nothing:1"
    identifier = failed(made, "nothing", image=name)
    # It is there now; asking again is enough.
    registry.push(made.engine, made.image, "nothing:1")
    assert made.change(identifier, state="running").json["success"]
    made.until(identifier, "running")
    made.destroy(identifier)
    # A failed one is as easily got rid of.
    other = failed(made, "never", image=f"{registry.host}/never:1")
    made.destroy(other)


def test_a_registry_that_is_away(made, start_registry):
    registry = start_registry()
    name = registry.push(made.engine, made.image, "late:1")
    registry.stop()
    identifier = made.make(image=name)["new_contract"]
    seen = []

    def row():
        found = made.row(identifier)
        seen.append((found["actual_status"], found["status_msg"]))
        return found

    eventually("it says what it waits for", lambda: "refused" in (row()["status_msg"] or ""), 60, every=0.02)
    registry.start()
    # Nobody asked again: the wish still stands. Nobody who waits was told that it is in vain.
    eventually("it runs", lambda: row()["actual_status"] == "running", 60, every=0.02)
    assert {status for status, _ in seen} <= {None, "loading", "created", "running"}, seen
    assert not any(message.startswith("Error") for _, message in seen if message), seen
    made.destroy(identifier)


def test_a_registry_with_a_password(made, start_registry):
    registry = start_registry("maria", "secret")
    name = registry.push(made.engine, made.image, "private:1")
    refused = failed(made, "", image=name)
    made.destroy(refused)
    refused = failed(made, "", image=name, image_login=f"-u maria -p wrong-one {registry.host}")
    assert "wrong-one" not in made.row(refused)["status_msg"]
    made.destroy(refused)
    login = f"-u maria -p secret {registry.host}"
    identifier = made.create(image=name, image_login=login)
    assert "secret" not in str(made.row(identifier))
    made.destroy(identifier)

    # It is on the machine now, and it is still for those alone whom its registry lets in: by each of its names, since
    # Docker gives what it has by its digest without asking.
    digests = made.engine.docker("image", "inspect", "--format", "{{range .RepoDigests}}{{.}} {{end}}", name).stdout.decode()
    digest = next(word for word in digests.split() if word.startswith(registry.host))
    for other in (name, digest):
        for wrong in ({}, {"image_login": f"-u maria -p wrong-one {registry.host}"}):
            made.destroy(failed(made, "cannot be pulled", image=other, **wrong))
        made.destroy(made.create(image=other, image_login=login))
    # Nobody is let in whom nobody can ask about.
    registry.stop()
    identifier = made.make(image=name, image_login=login)["new_contract"]
    eventually("it waits for the registry", lambda: "refused" in (made.row(identifier)["status_msg"] or ""), 60)
    assert made.row(identifier)["actual_status"] == "loading"
    registry.start()
    made.until(identifier, "running", 60)
    made.destroy(identifier)


def test_names_that_are_none_of_an_image(made):
    for name in ("--privileged", "../../etc", "UPPER/case", "a:b:c", "http://host/name"):
        answer = made.ask(image=name)
        if answer.status == 200:
            identifier = answer.json["new_contract"]
            assert made.until(identifier, "exited")["status_msg"].startswith("Error")
            made.destroy(identifier)
        else:
            assert (answer.status, answer.json["error"]) == (400, "invalid_args"), answer


# What images say of their containers

def changed(made, name, *changes):
    """An image like the tests' own, of which something else is said."""
    options = [word for change in changes for word in ("--change", change)]
    container = made.engine.docker("create", made.image).stdout.decode().strip()
    made.engine.docker("commit", *options, container, name)
    made.engine.docker("rm", container)
    return name


def test_an_images_probes_are_not_run(made):
    """The engine would run them, as often as the image says."""
    image = changed(made, "boathook-test-probed:1", "HEALTHCHECK --interval=1ms CMD echo >>/probes")
    container = made.container(made.create(image=image))
    assert container.inspect()["Config"]["Healthcheck"]["Test"] == ["NONE"]
    # Control: it does, for another container.
    control = made.engine.container(image=image, adopted=False)
    eventually("it is probed", lambda: control.exec("cat", "/probes", check=False).stdout.count(b"\n") >= 3)
    control.remove()
    assert container.exec("ls", "/probes", check=False).returncode != 0
    assert "Health" not in container.inspect()["State"]


def test_an_image_with_too_many_words_is_refused(made):
    """The engine tells an image's labels with each of its containers, whenever it is asked for all of them."""
    labels = [f"LABEL l{number}={'x' * 3000}" for number in range(100)]
    image = changed(made, "boathook-test-wordy:1", *labels)
    identifier = failed(made, "cannot be used: its labels", image=image)
    assert identifier not in made.containers()
    made.destroy(identifier)


# Images without a shell, without anything

@pytest.fixture(scope="module")
def bare(roomy, tmp_path_factory):
    tree = tmp_path_factory.mktemp("bare")
    (tree.parent / "pause.c").write_text(PROGRAM)
    run("cc", "-static", "-O1", "-o", tree / "pause", tree.parent / "pause.c")
    return making.image_of_tree(roomy, "boathook-test-bare:1", tree, 'ENTRYPOINT ["/pause"]')


def test_an_image_without_a_shell(made, bare):
    identifier = made.make(image=bare, onstart="true")["new_contract"]
    row = made.until(identifier, "exited")
    assert row["status_msg"].startswith("Error") and "/bin/sh" in row["status_msg"], row
    made.destroy(identifier)
    identifier = made.create(image=bare, runtype="args")
    made.stop(identifier)
    made.start(identifier)
    made.destroy(identifier)


def test_a_program_that_is_not_there(made):
    identifier = made.make(runtype="args", args=["/no/such/program"])["new_contract"]
    row = made.until(identifier, "exited")
    assert row["status_msg"].startswith("Error") and "/no/such/program" in row["status_msg"], row
    made.destroy(identifier)
