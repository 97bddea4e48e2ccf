"""A proxy on the way between a machine and its server that answers for the server while that is away."""

import pytest

from harness.between import Between
from harness.fleet import Fleet

RESULTS, REPORTS = "/agent/v1/results", "/agent/v1/reports"


@pytest.fixture
def fleet(engine, tmp_path):
    fleet = Fleet(engine, tmp_path, between=Between)
    yield fleet
    fleet.end()


def page(status, text="<html>no backend</html>", kind="text/html"):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
    return (head + text).encode()


def test_only_the_servers_own_word_is_final(fleet, new_container):
    """An end and its output are told until the server has them, whatever somebody else says of them."""
    container = new_container()
    container.shell("mkdir /pile && touch /pile/{1..9}")
    instance = fleet.instance_id(container)
    pages = [
        page("404 Not Found"), page("200 OK"), page("400 Bad Request"), page("503 Service Unavailable"), page("413 Content Too Large"),
        page("404 Not Found", '{"success": false, "error": "not_found", "msg": "Command not found."}', "application/json"),
    ]
    for command in ("ls pile", "rm pile/1"):
        expected = container.exec("ls", "pile").stdout if command.startswith("ls") else b""
        left = list(pages)
        fleet.between.answers = lambda path, left=left: left.pop(0) if path == RESULTS and left else None
        output, row = fleet.run(instance, command)
        assert not left, "it was not told so often"
        assert (row["state"], row["exit_code"], row["complete"]) == ("exited", 0, True), row
        assert output == expected


def test_a_change_is_told_until_the_server_has_it(fleet, new_container):
    left = [page("200 OK"), page("404 Not Found")]
    fleet.between.answers = lambda path: left.pop(0) if path == REPORTS and left else None
    container = new_container()
    assert fleet.instance_id(container, seconds=60)
    assert not left


def test_heads_are_short(fleet, new_container):
    """nginx takes 8 KiB of one header line at most (its large_client_header_buffers)."""
    container = new_container()
    names = [f"{number:02}" + "n" * 240 for number in range(64)]
    container.shell("mkdir /pile && cd /pile && touch " + " ".join(names))
    _, row = fleet.run(fleet.instance_id(container), "rm -r pile")
    assert row["state"] == "exited" and len(row["removal"]["paths"]) > 20
    assert fleet.between.longest_head < 1024
