"""Whatever is asked, allowed by the OpenAPI document or not, gets an answer that the document has.

The requests are made by schemathesis from the document in the repository, the same ones in each run; BOATHOOK_EXAMPLES says how many of
each kind for each operation (docs/security.md, P18).
"""

import base64
import contextlib
import copy
import functools
import itertools
import os
import re

import hypothesis.configuration
import pytest
import requests
import requests.adapters
import schemathesis
import schemathesis.checks
import yaml
from hypothesis import HealthCheck, Phase, Verbosity, given, settings, strategies
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation

from harness import http, making, usage, wire
from harness.boathook import Up
from harness.engine import ROOT
from harness.impostor import Machine
from harness.waiting import eventually

EXAMPLES = int(os.environ.get("BOATHOOK_EXAMPLES", "12"))
DOCUMENT = yaml.safe_load((ROOT / "Sources/APIServer/Documents/openapi.yaml").read_text())
METHODS = {"get", "put", "post", "delete", "head"}
OPERATIONS = {
    operation["operationId"]: (path, method) for path, item in DOCUMENT["paths"].items() for method, operation in item.items() if method in METHODS}
# What has an answer without end is no request of this kind. The link has tests of its own (test_security_link.py, AgentLinkTests).
ENDLESS = {"openLink"}
# A right request has to say what the server alone knows: an unused token, a stream that somebody follows, a command's end; or needs an
# instance with SSH (test_copy.py).
NEVER_RIGHT = {"joinMachine", "relayOutput", "sendResult", "copyDirectly", "copyByRsync"}
# Of these schemas the document claims to have every field; it leaves them open for clients that are older than the server.
CLOSED = ["BulkCreateReply", "ChangeReply", "Command", "CreateInstanceReply", "Decision", "Denial", "DryRunReply", "Error", "ExecuteRefusal",
          "ExecuteReply", "Key", "LaunchFailure", "Machine", "Offer", "OffersReply", "Removal", "TemplateReply", "TemplatesReply", "UpdateInstanceReply"]
# Nobody listens there: no image of an instance is ever looked for elsewhere, whatever it is called.
NO_REGISTRY = "127.0.0.1:9/"
MAKING = {"createInstance", "createInstanceByPost", "createInstances", "launchInstance"}
NAMING_IMAGES = MAKING | {"renewInstance"}
# With one of these fields, made up, a request is often none, which the HTTP layer itself answers (test_security_http.py).
FRAMING = {"connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"}
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance", "response_schema_conformance"]
REFUSED = [400, 401, 403, 404, 422, 429, 483]


def closed(document):
    """A copy in which a field that is not documented is wrong."""
    document = copy.deepcopy(document)
    for name in CLOSED:
        document["components"]["schemas"][name]["additionalProperties"] = False
    return document


class Site:
    """A server with an instance, commands, keys and a machine: what ids can name."""

    def __init__(self, engine, folder):
        self.containers = [engine.container(), engine.container()]
        self.up = Up(engine, folder, *making.flags())
        self.offers = making.Instances(self.up)
        # What commands are for, and what may come to its end.
        self.instance, self.spare = map(self.up.instance_id, self.containers)
        self.containers[0].shell("mkdir -p /home/old; touch /home/old/{1..20}")
        self.commands, self.results = [], []
        for body in ({"command": "ls -l"}, {"command": "ls -d home nowhere"}, {"command": "rm -r home/old", "dry_run": True}, {"command": "rm /etc"},
                     {"argv": ["rm", "-r", "home/old/1"]}, {"command": "du -a -h", "view": "writable"}, {"command": "ls -laR /"}):
            answer = self.up.request("PUT", f"/api/v0/instances/command/{self.instance}/", body=body)
            if answer.status == 200:
                self.up.final(answer.json["command_id"])
                self.commands.append(answer.json["command_id"])
                self.results.append(answer.json["result_url"].rpartition("/")[2])
        # The key that asks is not among those that may be deleted.
        self.keys = [self.made("POST", "auth/apikeys/", {"name": "one of many", "permissions": {"api": {"instance_read": {}}}})["id"] for _ in range(8)]
        self.own = self.up.request("GET", "/api/v0/auth/apikeys/").json["apikeys"][0]["id"]
        self.logins = [self.made("POST", "ssh/", {"ssh_key": public_key(number)})["key"]["id"] for number in range(1, 9)]
        self.job = {"end_time": 4_102_444_800, "api_endpoint": f"/api/v0/instances/command/{self.instance}/", "frequency": "DAILY", "hour_of_the_day": 3}
        self.jobs = [self.made("POST", "commands/schedule_job/", {**self.job, "request_body": {"command": f"ls -d home/{number}"}})["scheduled_job_id"]
                     for number in range(8)]
        self.machine = Machine(self.up.url, self.up.admin("join-token").stdout.decode().strip())
        self.held = usage.sockets_and_spools(self.up.agent_pid)

    def made(self, method, path, body):
        answer = self.up.request(method, f"/api/v0/{path}", body=body)
        assert answer.status == 200, answer
        return answer.json

    def fresh(self, count):
        """So many new instances, which may come to their end; all that were made before have."""
        old = [row["id"] for row in self.up.instances() if row["id"] not in (self.instance, self.spare)]
        for start in range(0, len(old), 64):
            self.up.request("DELETE", "/api/v0/instances/", body={"instance_ids": old[start:start + 64]})
        eventually("there is room for more", lambda: self.offers.offers(rentable={"eq": True}), 60)
        body = {"image": NO_REGISTRY + "none", "target_state": "stopped"}
        return [self.made("PUT", f"asks/{self.offers.offer}/", body)["new_contract"] for _ in range(count)]

    def end(self):
        self.up.process.end()
        for container in self.containers:
            container.remove()

    def credential(self, path):
        return self.machine.token if path.startswith("/agent/") else self.up.key

    def names(self, path, method):
        """What the places in this path can be named."""
        if "{result}" in path:
            return [{"result": name} for name in self.results]
        if re.search("/(recycle|update_template)/", path) or (path.endswith("/instances/{id}/") and method == "delete"):
            return [{"id": identifier} for identifier in self.fresh(8)]
        instance = self.instance if method == "get" or re.search("/(command|request_logs)/", path) else self.spare
        if "{key}" in path:
            return [{"id": instance, "key": key} for key in self.logins]
        if "{id}" not in path:
            return []
        kinds = {"/apikeys/": self.keys, "/schedule_job/": self.jobs, "/v0/ssh/": self.logins, "/v0/commands/": self.commands,
                 "/asks/": [self.offers.offer], "/machines/": [1]}
        return [{"id": identifier} for identifier in next((known for kind, known in kinds.items() if kind in path), [instance])]

    def bodies(self, name, operation):
        """The bodies that the document shows, and those that need an id."""
        media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        shown = [one["value"] for one in media.get("examples", {}).values()] + [media[key] for key in ["example"] if key in media]
        further = {"updateSSHKey": {"ssh_key": public_key(99)}}
        further |= dict.fromkeys(["createScheduledJob", "updateScheduledJob"], {**self.job, "request_body": {"command": "ls home"}})
        order = {"src_id": "local", "dst_id": str(self.spare), "src_path": "./data/", "dst_path": "/workspace/"}
        further |= dict.fromkeys(["copyDirectly", "copyByRsync", "cancelDirectCopy", "cancelCopyByRsync"], order)
        if name in MAKING | {"updateInstances", "destroyInstances"}:
            ids = self.fresh(0 if name in MAKING else 4)
            further |= {"updateInstances": {"state": "stopped", "ids": ids}, "destroyInstances": {"instance_ids": ids}}
        return shown + ([further[name]] if name in further else []) + self.template_bodies(name)

    def template_bodies(self, name):
        """Bodies that name templates; of a version, one alone can be changed, and once."""
        if not name.endswith(("Template", "TemplateVersion")) or name == "createTemplate":
            return []
        for row in self.up.request("GET", "/api/v0/template/").json["templates"]:
            self.up.request("DELETE", "/api/v0/template/", body={"template_id": row["id"]})
        body = {"image": NO_REGISTRY + "none"}
        kept = [self.made("POST", "template/", body)["template"] for _ in range(8)]
        return {
            "updateTemplate": [{**body, "id": kept[0]["id"], "name": "another"}],
            "updateTemplateVersion": [{**body, "id": one["id"], "hash_id": one["hash_id"]} for one in kept],
            "deleteTemplate": [{"template_id": one["id"]} for one in kept[:4]] + [{"hash_id": one["hash_id"]} for one in kept[4:]],
        }[name]

    def spares(self, name, case):
        """Whether the request would be the last one that can be made."""
        names = case.path_parameters or {}
        if name == "deleteKey":
            return str(names.get("id")) == str(self.own)
        ends = "/instances/" in case.path and not re.search("/(command|request_logs)/", case.path) and case.method != "GET"
        if ends and not names:
            lists = [case.body.get(key) for key in ("ids", "instance_ids")] if isinstance(case.body, dict) else []
            named = {str(one) for one in itertools.chain(*(one for one in lists if isinstance(one, list)))}
            return bool(named & {str(self.instance), str(self.spare)})
        kept = {str(self.instance)} | ({str(self.spare)} if name == "destroyInstance" else set())
        return ends and str(names.get("id")) in kept


def public_key(number):
    """An Ed25519 key (RFC 8709, section 4): its text."""
    blob = b"".join(len(part).to_bytes(4, "big") + part for part in (b"ssh-ed25519", number.to_bytes(32, "big")))
    return f"ssh-ed25519 {base64.b64encode(blob).decode()} nobody@nowhere"


@pytest.fixture(scope="module")
def site(roomy, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzzed")
    hypothesis.configuration.set_hypothesis_home_dir(folder / "hypothesis")
    site = Site(roomy, folder / "up")
    yield site
    site.end()


@contextlib.contextmanager
def connection():
    """From an address of its own: wrong keys are bounded by address."""
    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *words, **options):
            super().init_poolmanager(*words, source_address=(next(wire.addresses), 0), **options)

    with requests.Session() as session:
        session.mount("http://", Adapter())
        yield session


def make_cases(site, schema, name):
    """The strategies by kind: what is allowed, on ids that are there and others, and what is not."""
    path, method = OPERATIONS[name]
    operation, documented = schema[path][method], DOCUMENT["paths"][path][method]
    places = [{"path_parameters": names} for names in site.names(path, method)] or [{}]
    further = [{"headers": {"Prefer": "wait=2"}}] if "Prefer" in str(documented) else []
    further += [{"headers": {"Range": "bytes=0-3"}}] if path.startswith("/results/") or path.endswith("/output") else []
    further += [{"body": body, "media_type": "application/json"} for body in site.bodies(name, documented)]
    right = [operation.as_strategy()] + [operation.as_strategy(**place, **more) for place in places for more in [{}, *further]]
    wrong = [operation.as_strategy(generation_mode=GenerationMode.NEGATIVE, **place) for place in [{}, *places]]
    return strategies.one_of(right), strategies.one_of(wrong)


def each(strategy, count, ask):
    """Asks with so many cases of the strategy, the same ones in each run."""
    @settings(max_examples=count, derandomize=True, database=None, deadline=None, phases=[Phase.generate], verbosity=Verbosity.quiet,
              suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def one(case):
        ask(case)

    # Nothing can be wrong with a request that says nothing.
    with contextlib.suppress(Unsatisfiable):
        one()


@functools.cache
def schema_of(wrong=None):
    """The document, with what `wrong` does to it."""
    document = closed(DOCUMENT)
    if wrong:
        wrong(document)
    schema = schemathesis.openapi.from_dict(document)
    # 501 is what parts of the original's API get that Boathook does not have.
    schema.config.checks.not_a_server_error.expected_statuses = ["2xx", "3xx", "4xx", "501"]
    # DocumentTests looks whether there are other methods; here they would end what is still needed.
    schema.config.phases.coverage.unexpected_methods = {"patch"}
    schema.config.checks.negative_data_rejection.expected_statuses = [str(status) for status in REFUSED]
    return schema


def checked(names):
    schemathesis.checks.load_all_checks()
    return [schemathesis.checks.CHECKS.get_one(name) for name in names]


def fuzz(site, name, wrong_document=None):
    """All kinds of requests for one operation; how often each status came."""
    path, method = OPERATIONS[name]
    schema, statuses = schema_of(wrong_document), {}
    conforms, refuses = checked(CHECKS), checked(["negative_data_rejection"])
    with connection() as session:
        def ask(case):
            if FRAMING & {field.lower() for field in case.headers or {}}:
                return
            if site.spares(name, case):
                return
            if name in NAMING_IMAGES and isinstance(case.body, dict) and isinstance(case.body.get("image"), str) and case.body["image"]:
                case.body["image"] = NO_REGISTRY + case.body["image"]
            try:
                response = case.call(site.up.url, session=session, headers={"Authorization": f"Bearer {site.credential(path)}"}, timeout=60)
            except requests.exceptions.ChunkedEncodingError:
                # How who follows the bytes is told that they are of another start of the tool.
                assert name == "getCommandOutput" and "follow" in case.query, case
                statuses["broken off"] = statuses.get("broken off", 0) + 1
                return
            statuses[response.status_code] = statuses.get(response.status_code, 0) + 1
            if name == "resetKey" and response.status_code == 200:
                site.up.key = response.json()["new_api_key"]
            # Bodies are read strictly. Of the rest of a request, what is not understood is as if it were not there: the original's clients
            # need it so.
            strict = case.meta is not None and case.meta.is_negative_at(ParameterLocation.BODY)
            case.validate_response(response, checks=conforms + (refuses if strict else []))

        right, wrong = make_cases(site, schema, name)
        each(right, EXAMPLES, ask)
        each(wrong, EXAMPLES, ask)
        # The bounds of what the document allows, one by one.
        generation = schema.config.generation_for(operation=schema[path][method])
        modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
        for case in itertools.islice(schema.iter_coverage_cases(schema[path][method], generation_modes=modes, generation_config=generation), 12 * EXAMPLES):
            ask(case)
    return statuses


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_answer_is_documented(site, name):
    if name in ENDLESS:
        pytest.skip("its answer has no end")
    statuses = fuzz(site, name)
    print(name, statuses)
    assert name in NEVER_RIGHT or any(status in (200, 204) for status in statuses), f"nothing was ever right: {statuses}"


@pytest.mark.parametrize("name", OPERATIONS)
def test_without_a_key_nothing_is_looked_at(site, name):
    path, method = OPERATIONS[name]
    schema = schema_of()
    wants_none = DOCUMENT["paths"][path][method].get("security") == []
    if wants_none:
        pytest.skip("it is for everybody")
    right, wrong = make_cases(site, schema, name)
    conforms, asked = checked(CHECKS), []
    # A machine that joins is asked for its token last.
    allowed = {400, 401, 483} if name == "joinMachine" else {401}

    def ask(case):
        if FRAMING & {field.lower() for field in case.headers or {}}:
            return
        for headers in ({}, {"Authorization": "Bearer " + "x" * 43}, {"Authorization": "Basic eDp5"}):
            with connection() as session:
                response = case.call(site.up.url, session=session, headers=headers, timeout=60)
            assert response.status_code in allowed, (case, response.status_code)
            case.validate_response(response, checks=conforms)
            asked.append(case)

    each(right, max(3, EXAMPLES // 8), ask)
    each(wrong, max(3, EXAMPLES // 8), ask)
    assert len(asked) >= 9


def test_the_server_is_as_it_was(site):
    answer, health = site.up.request("GET", "/api/v0/users/current/"), http.request(site.up.url, "GET", "/healthz")
    assert (answer.status, health.status) == (200, 200)
    assert site.up.run(site.instance, "ls -d home")[0] == b"home\n"
    eventually("what it holds is what it held", lambda: usage.sockets_and_spools(site.up.agent_pid) <= site.held, 90)
    assert "unexpected failure" not in site.up.process.log.read_text()


def retyped(document):
    document["components"]["schemas"]["Command"]["properties"]["command"] = {"type": "integer"}


def undocumented(document):
    del document["components"]["schemas"]["Command"]["properties"]["note"]


def without_a_status(document):
    del document["paths"]["/api/v0/commands/{id}/"]["get"]["responses"]["404"]


def another_kind(document):
    content = document["paths"]["/api/v0/commands/{id}/"]["get"]["responses"]["200"]["content"]
    content["text/plain"] = content.pop("application/json")


@pytest.mark.parametrize("wrong", [retyped, undocumented, without_a_status, another_kind])
def test_positive_control_a_wrong_document_is_seen(site, wrong):
    with pytest.raises(FailureGroup):
        fuzz(site, "getCommand", wrong)
