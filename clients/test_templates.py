"""Mapping templates: through the program from the definition to the backend, and without it (`gatewright render`)."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from harness.aws import Api
from harness.backend import Answer
from harness.frames import CONTINUATION, TEXT, RawClient

BIN = os.environ.get("GATEWRIGHT_BIN", "target/debug/gatewright")
CORPUS = Path(__file__).parent.parent / "corpus"
ENVELOPE = '{"id": "$context.connectionId", "text": $input.json(\'$.text\'), "raw": "$util.escapeJavaScript($input.body)", "v": "$stageVariables.v"}'


def template_api(gateway, backend, path, templates, responses=None, **members):
    api = Api(gateway)
    integration = api.integration("HTTP", f"{backend.url}{path}", RequestTemplates=templates, **members)
    api.response(integration, **({"ResponseTemplates": responses} if responses else {}))
    api.route("$default", integration, two_way=True)
    api.deploy(StageVariables={"v": "7"}, DefaultRouteSettings={"LoggingLevel": "INFO", "DataTraceEnabled": True})
    return api


def test_a_message_is_mapped_on_its_way_out_and_its_answer_on_the_way_back(gateway, backend):
    backend.answers["/templates"] = Answer(body='{"ok": [1, 2]}')
    api = template_api(
        gateway, backend, "/templates", {"$default": ENVELOPE}, {"$default": "got $input.json('$.ok') with $context.status"}
    )
    mark = gateway.mark()
    with RawClient(gateway.port, api.target) as client:
        client.text('{"text": "it\'s"}')
        assert client.read_text() == "got [1,2] with 200"
    (request,) = backend.wait_for("/templates")
    body = json.loads(request.text.replace("\\'", "'"))
    assert (body["text"], body["v"], json.loads(body["raw"])) == ("it's", "7", {"text": "it's"})
    gateway.wait_for_log(f"Endpoint request body after transformations: {request.text}", since=mark)
    gateway.wait_for_log("Method response body after transformations: got [1,2] with 200", since=mark)


def test_a_template_that_fails_is_an_error_frame_and_a_line_with_its_place(gateway, backend):
    api = template_api(gateway, backend, "/fails", {"$default": 'a\n  $input.path("$.list")[3]'})
    mark = gateway.mark()
    with RawClient(gateway.port, api.target) as client:
        client.text('{"list": [1]}')
        assert json.loads(client.read_text())["message"] == "Internal server error"
    gateway.wait_for_log("line 2, column", since=mark)


@pytest.mark.parametrize("kind", ["request", "response"])
def test_a_template_that_is_none_is_refused_when_it_is_written(gateway, backend, kind):
    api = Api(gateway)
    with pytest.raises(ClientError) as refused:
        if kind == "request":
            api.integration("HTTP", backend.url, RequestTemplates={"$default": "one\n#if($x"})
        else:
            api.response(api.integration("HTTP", backend.url), ResponseTemplates={"$default": "one\n#if($x"})
    error = refused.value.response["Error"]
    assert error["Code"] == "BadRequestException"
    assert "`$default`" in error["Message"] and "line 2, column 4" in error["Message"]


def render(*words, stdin=None):
    return subprocess.run([BIN, "render", *words], input=stdin, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("file", "words"), [("vtl/cases.jsonl", []), ("vtl/aws-recorded.jsonl", []), ("jsonpath/cases.jsonl", ["--jsonpath"])])
def test_a_batch_answers_every_case_in_order(file, words):
    text = (CORPUS / file).read_text()
    answer = render("--batch", *words, stdin=text)
    assert (answer.returncode, answer.stderr) == (0, "")
    cases = [json.loads(line) for line in text.splitlines() if line.strip()]
    answers = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [case["id"] for case in cases] == [found["id"] for found in answers]
    if not words:
        wrong = [case["id"] for case, found in zip(cases, answers) if found.get("output") != case.get("expected")]
        assert wrong == []


def test_one_template_is_rendered_or_shown_with_a_caret(tmp_path):
    template, body, context = tmp_path / "t.vtl", tmp_path / "b.json", tmp_path / "c.json"
    template.write_text("$input.json('$.a') on $context.stage")
    body.write_text('{"a": [1, 2]}')
    context.write_text('{"stage": "dev"}')
    answer = render("--template", str(template), "--body", str(body), "--context", str(context))
    assert (answer.returncode, answer.stdout) == (0, "[1,2] on dev")
    template.write_text("fine\n  #if($x")
    answer = render("--template", str(template))
    assert answer.returncode == 65
    first, line, caret = answer.stderr.splitlines()
    assert ":2:6: not a template: `(` is opened here" in first
    assert (line, caret.index("^")) == ("    #if($x", 2 + 5)
    gone = render("--template", str(tmp_path / "none"))
    assert gone.returncode == 66 and "there is no such file" in gone.stderr
    assert render().returncode == 64


def test_texts_and_standard_input_are_taken_instead_of_files(tmp_path):
    answer = render("--template-text", "$input.json('$.a')", "--body", "-", stdin='{"a": 1}')
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "1", "")
    answer = render("--template", "-", "--body-text", '{"a": 2}', stdin="$input.path('$.a')")
    assert (answer.returncode, answer.stdout) == (0, "2")
    for words in (["--template", "-", "--body", "-"], ["--template-text", "x", "--template", "y"], ["--body-text", "x"]):
        assert render(*words).returncode == 64, words


def test_what_is_no_json_is_shown_with_its_own_place(tmp_path):
    template, body = tmp_path / "t.vtl", tmp_path / "b.json"
    template.write_text("{\n \"user\": $input.path('$.user')}")
    body.write_text('{\n "user": }')
    answer = render("--template", str(template), "--body", str(body))
    assert answer.returncode == 65
    first, line, caret = answer.stderr.splitlines()
    assert f"{body}:2:10: the body is no JSON, and {template}:2:" in first, first
    assert line == '   "user": }' and caret.index("^") == 2 + 9
    made = render("--template", str(template), "--body-text", '{"user": "ada"}')
    assert (made.returncode, made.stdout) == (0, '{\n "user": ada}')
    assert "looks like JSON and is none: line 2" in made.stderr
    context = tmp_path / "context.json"
    context.write_text('{"stage": dev}')
    wrong = render("--template", str(template), "--context", str(context))
    assert wrong.returncode == 65 and f"{context}:1:11: not JSON" in wrong.stderr, wrong.stderr


def test_what_renders_and_was_not_meant_is_remarked_on(tmp_path):
    for template, expected in (
        ("$context.connectonId", ["--template-text:1: there is no $context.connectonId: it prints nothing; did you mean $context.connectionId?"]),
        ("x\n$inptu.body", ["--template-text:2: there is no $inptu: it prints nothing; did you mean $input?"]),
        ("$context.stage", ["$context is empty here; --context FILE"]),
        ("$stageVariables.a", ["$stageVariables is empty here; --stage-variables FILE"]),
        ("#set($a = 1)$a$input.body$util.urlEncode('x')", []),
    ):
        said = render("--template-text", template, "--body-text", "{}")
        assert said.returncode == 0 and [part for part in expected if part not in said.stderr] == [], (template, said.stderr)
        assert expected or said.stderr == "", (template, said.stderr)
    context = tmp_path / "context.json"
    context.write_text('{"stage": "dev"}')
    given = render("--template-text", "$context.stage", "--context", str(context))
    assert (given.stdout, given.stderr) == ("dev", "")
    for template, expected in (("$input.path($.user)", "needs quotes: `'$.user'`"), ("#if($input.path('$.a')\nx#end", "the `(` in line 1, column 4 is still open")):
        wrong = render("--template-text", template)
        assert wrong.returncode == 65 and expected in wrong.stderr, wrong.stderr


HEAVY = {
    "groups of three": ("$input.path('$.text').replaceAll('(\\d)(?=(\\d{3})+$)','$1,').length()", "1" * 20_000),
    "commas outside quotes": ("$input.path('$.text').split(',(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)').size()", "," * 20_000),
    "a long loop": ("#foreach($i in [1..1000])#foreach($j in [1..1000])#set($x = $i + $j)#end#end$x", "a"),
    "deep scans in a loop": ("#foreach($i in [1..1000])#set($x = $input.json('$..b..c'))#end$x.length()", "a"),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_template_that_is_much_work_ends_with_an_answer_and_keeps_nobody_waiting(start_gateway, backend, path, name):
    template, text = HEAVY[name]
    gateway = start_gateway()
    api = Api(gateway)
    light = api.integration("HTTP_PROXY", f"{backend.url}{path}")
    heavy = api.integration("HTTP", f"{backend.url}{path}", RequestTemplates={"$default": template})
    api.response(heavy)
    api.route("$default", light, two_way=True)
    api.route("heavy", heavy, two_way=True)
    api.deploy()
    backend.answers[path] = Answer(body="light")
    message = json.dumps({"action": "heavy", "text": text})
    with RawClient(gateway.port, api.target) as other:
        workers = [RawClient(gateway.port, api.target) for _ in range(4)]
        for worker in workers:
            worker.text(message)
        # In order on one thread it would come behind all of them.
        other.text("{}")
        assert other.read_text() == "light"
        for worker in workers:
            answer = worker.read_text()
            assert answer == "light" or json.loads(answer)["message"] == "Internal server error"
            worker.close()


def test_a_template_beyond_mapping_time_is_refused_and_the_log_names_the_limit(start_gateway, backend, path):
    gateway = start_gateway("--limit", "mapping-time=1ms")
    template, text = HEAVY["a long loop"]
    api = template_api(gateway, backend, path, {"$default": template})
    with RawClient(gateway.port, api.target) as client:
        client.text(json.dumps({"text": text}))
        assert json.loads(client.read_text())["message"] == "Internal server error"
    gateway.wait_for_log("the limit mapping-time was met")


def test_a_slow_pattern_of_a_model_is_remarked_and_long_texts_are_answered(start_gateway, backend, path):
    gateway = start_gateway()
    api = Api(gateway)
    pattern = "(?=.*[A-Z])(?=.*[0-9])"
    schema = json.dumps({"type": "object", "properties": {"text": {"type": "string", "pattern": pattern}}})
    api.client.create_model(ApiId=api.id, Name="Secret", ContentType="application/json", Schema=schema)
    integration = api.integration("HTTP_PROXY", f"{backend.url}{path}")
    api.route("$default", integration, two_way=True, ModelSelectionExpression="default", RequestModels={"default": "Secret"})
    api.deploy()
    backend.answers[path] = Answer(body="fits")
    gateway.wait_for_log(pattern)
    with RawClient(gateway.port, api.target) as client:
        for text, fits in (("Ab1", True), ("ab1", False), ("A" * 10_000 + "1", True), ("a" * 60_000, False)):
            message = json.dumps({"text": text}).encode()
            client.frame(TEXT, message[:30_000], fin=False)
            client.frame(CONTINUATION, message[30_000:])
            assert (client.read_text() == "fits") == fits, (text[:10], len(text))
