"""Orders with more than a command in their body, and how they end."""


def order(client, instance, command, **body):
    """The answer to `PUT execute`; `command` is text, or a list of words."""
    words = {"argv": command} if isinstance(command, list) else {"command": command}
    return client.request("PUT", f"/api/v0/instances/command/{instance}/", body={**words, **body})


def accepted(client, instance, command, **body):
    answer = order(client, instance, command, **body)
    assert answer.status == 200 and "command_id" in answer.json, answer
    return answer.json


def ended(client, instance, command, seconds=60, **body):
    """The row of a command that was accepted, once it has ended."""
    return client.final(accepted(client, instance, command, **body)["command_id"], seconds)


def output(client, instance, command, **body):
    """What a command writes, as its result URL has it; the command must end with 0."""
    answer = accepted(client, instance, command, **body)
    written = client.result(answer["result_url"]).body
    row = client.final(answer["command_id"])
    assert (row["state"], row["exit_code"]) == ("exited", 0), row
    return written


def preview(client, instance, command, **body):
    """A dry run of what removes: the paths that it lists, and its row."""
    answer = accepted(client, instance, command, dry_run=True, **body)
    assert answer["plan"] == answer["command_id"]
    row = client.final(answer["command_id"])
    listed = client.request("GET", f"/api/v0/commands/{row['id']}/output?stream=stdout")
    assert listed.status in (200, 404), listed
    return listed.body.decode().splitlines() if row["stdout_bytes"] else [], row


def denial(client, instance, command, **body):
    """Why a command is not taken."""
    answer = order(client, instance, command, **body)
    assert answer.status == 400 and answer.json["error"] == "invalid_args", answer
    assert answer.json["msg"].startswith("Invalid command given. " + answer.json["denial"]["message"])
    return answer.json["denial"]
