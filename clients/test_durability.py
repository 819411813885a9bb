"""Kill -9 in the middle of writing, and a disk that is full: after a restart on the same data folder, every write that
was answered is there."""

import os
import resource
import shlex
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from harness.aws import Api, control
from harness.frames import RawClient
from harness.until import PATIENCE

WRITERS = 4


class Writer(threading.Thread):
    """Creates, changes and deletes routes of one API until the program is gone; remembers what was answered."""

    def __init__(self, url, api_id, number, answered):
        super().__init__(daemon=True)
        self.client = control(url)
        self.api_id = api_id
        self.number = number
        self.answered = answered
        # Route id → the route as last answered; what may have happened without an answer is `unsure`.
        self.routes = {}
        self.deleted = set()
        self.unsure = None
        self.refused = None

    def run(self):
        try:
            for n in range(100_000):
                self.unsure = ("create", f"w{self.number}n{n}")
                made = self._call("create_route", RouteKey=f"w{self.number}n{n}", OperationName="first")
                self.routes[made["RouteId"]] = made
                if n % 3 == 1:
                    self.unsure = ("update", made["RouteId"])
                    self.routes[made["RouteId"]] = self._call("update_route", RouteId=made["RouteId"], OperationName=f"second{n}")
                if n % 5 == 4:
                    self.unsure = ("delete", made["RouteId"])
                    self._call("delete_route", RouteId=made["RouteId"])
                    del self.routes[made["RouteId"]]
                    self.deleted.add(made["RouteId"])
                self.unsure = None
        except ClientError as error:
            self.refused = error
        except (BotoCoreError, OSError):
            # The program is gone: just what this test is about.
            return

    def _call(self, operation, **members):
        answer = getattr(self.client, operation)(ApiId=self.api_id, **members)
        answer.pop("ResponseMetadata")
        with self.answered:
            self.answered.count += 1
            self.answered.notify_all()
        return answer


class Answered(threading.Condition):
    """How many writes were answered, by all writers together."""

    count = 0


# How many answered writes to let pass before the kill: from the very first ones to the middle of a stream.
@pytest.mark.parametrize("kill_after", [1, 7, 40, 97, 211, 350])
def test_every_answered_write_is_there_after_kill_9(start_gateway, tmp_path, kill_after):
    gateway = start_gateway(data_dir=tmp_path)
    client = control(gateway.url)
    api_ids = [
        client.create_api(Name=f"api{n}", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")["ApiId"]
        for n in range(2)
    ]
    answered = Answered()
    writers = [Writer(gateway.url, api_ids[n % len(api_ids)], n, answered) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    with answered:
        assert answered.wait_for(lambda: answered.count >= kill_after, timeout=60), f"only {answered.count} writes in a minute"
    gateway.kill()
    for writer in writers:
        writer.join(PATIENCE)
        assert not writer.is_alive()
        assert writer.refused is None, writer.refused
    assert sum(len(writer.routes) for writer in writers) > 0

    again = start_gateway(data_dir=tmp_path)
    client = control(again.url)
    assert [api["ApiId"] for api in client.get_apis()["Items"]] == api_ids
    for api_id in api_ids:
        pages = client.get_paginator("get_routes").paginate(ApiId=api_id, PaginationConfig={"PageSize": 100})
        found = {route["RouteId"]: route for page in pages for route in page["Items"]}
        mine = [writer for writer in writers if writer.api_id == api_id]
        expected = {route_id: route for writer in mine for route_id, route in writer.routes.items()}
        for writer in mine:
            # One call of each writer was under way: it may have happened, or not, but whole.
            match writer.unsure:
                case ("create", key):
                    extra = {i: route for i, route in found.items() if route["RouteKey"] == key}
                    assert len(extra) <= 1
                    expected.update(extra)
                case ("update", route_id):
                    assert found[route_id]["OperationName"] == "first" or found[route_id]["OperationName"].startswith("second")
                    expected[route_id] = found[route_id]
                case ("delete", route_id) if route_id not in found:
                    del expected[route_id]
        assert found == expected
    # And it writes on.
    client.create_route(ApiId=api_ids[0], RouteKey="afterwards")
    again.stop()


def test_a_second_program_on_the_same_folder_is_refused_with_a_reason(gateway, start_gateway):
    with pytest.raises(AssertionError) as failure:
        start_gateway(data_dir=gateway.data_dir)
    # Exit code and words are for the person at the terminal: which folder, and what is the matter.
    assert gateway.data_dir in str(failure.value)
    assert gateway.is_healthy()


def test_an_api_and_its_stage_serve_again_after_a_clean_restart(start_gateway, tmp_path, backend):

    gateway = start_gateway(data_dir=tmp_path)
    api = Api(gateway)
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/again"), two_way=True)
    api.deploy(StageVariables={"color": "blue"})
    before = [api.client.get_api(ApiId=api.id), api.client.get_stages(ApiId=api.id), api.client.get_routes(ApiId=api.id)]
    gateway.stop()

    again = start_gateway(data_dir=tmp_path)
    client = control(again.url)
    after = [client.get_api(ApiId=api.id), client.get_stages(ApiId=api.id), client.get_routes(ApiId=api.id)]
    for answer in before + after:
        answer.pop("ResponseMetadata")
        # The port is a new one; the rest of the address is the API's for ever.
        answer.pop("ApiEndpoint", None)
    assert after == before
    with RawClient(again.port, api.target) as raw:
        assert raw.ask("hello") == "hello"


def test_a_disk_that_takes_no_more_is_told_and_loses_nothing(start_gateway, tmp_path, monkeypatch):
    # A limit on the size of files stands for the disk; the signal that comes with it is none that a full disk sends.
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {shlex.quote(os.environ['GATEWRIGHT_BIN'])} \"$@\"\n")
    program.chmod(0o755)
    monkeypatch.setenv("GATEWRIGHT_BIN", str(program))
    data = tmp_path / "data"
    gateway = start_gateway(data_dir=data)
    client = control(gateway.url)
    expected = []

    def create():
        api = client.create_api(
            Name=f"api{len(expected)}", Description="x" * 1024, ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.a"
        )
        expected.append(api["Name"])

    def names():
        return [api["Name"] for page in client.get_paginator("get_apis").paginate() for api in page["Items"]]

    create()
    size = (data / "gatewright.redb").stat().st_size
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    with pytest.raises(ClientError) as refused:
        for _ in range(size // 1024):
            create()
    error = refused.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 500, error
    assert error["Error"]["Message"].startswith("The change was not stored: "), error
    gateway.wait_for_log("POST /v2/apis failed: The change was not stored: ", kind="error")
    assert names() == expected
    resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    create()
    gateway.kill()
    client = control(start_gateway(data_dir=data).url)
    assert names() == expected
