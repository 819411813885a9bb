"""The verbs of a story's steps, one function each; the README of the corpus says what they mean."""

import json

from botocore.exceptions import ClientError

from harness.frames import Wire
from harness.gateway import parse

from .corpus import CONTROL_PLANE
from .make import call as sdk_call
from .pattern import Mismatch, check, check_json, fill
from .pattern import fits as text_fits
from .people import ByHand, Ordinary

# More posts than any bound on what waits for one client lets through.
FLOOD_MAX = 4000


def _headers(told):
    return list(told.items()) if isinstance(told, dict) else [tuple(pair) for pair in told]


def _some(expected, came):
    """Where only presence is asked about, an empty text is nothing."""
    return came or None if isinstance(expected, bool) else came


def _check_headers(what, expected, came, names):
    """`came` are pairs; a list is expected where a name comes several times."""
    for name, value in expected.items():
        values = [v for n, v in came if n.lower() == name.lower()]
        if isinstance(value, list):
            if len(value) != len(values):
                raise Mismatch(f"{what}, header {name}", value, values)
            for one, other in zip(value, values, strict=True):
                check(f"{what}, header {name}", one, other, names)
        elif len(values) > 1:
            raise Mismatch(f"{what}, header {name}", value, values)
        else:
            check(f"{what}, header {name}", value, values[0] if values else None, names)


def _check_answer(play, what, expect, answer, status):
    """Holds an HTTP answer against what a step expects of it."""
    wanted = expect.get("status", status)
    if answer.status != wanted:
        raise Mismatch(f"{what}, status", wanted, f"{answer.status} {answer.headers} {answer.body!r}")
    if "error" in expect:
        check(f"{what}, x-amzn-ErrorType", expect["error"], answer.header("x-amzn-ErrorType"), play.names)
    _check_headers(what, expect.get("headers", {}), answer.headers, play.names)
    if "body" in expect:
        body = (answer.body or b"").decode("utf-8")
        check(f"{what}, body", expect["body"], _some(expect["body"], body), play.names)


def connect(play, step):
    told = fill({key: value for key, value in step.items() if key != "expect"}, play.names)
    name = told["connect"]
    target = told.get("path", play.target(told.get("stage")))
    if "query" in told:
        target += f"?{told['query']}"
    host = told.get("host", play.names["host"])
    by_hand = any(word in told for word in ("raw", "without", "wait", "method", "early"))
    rest = {word: told[word] for word in ("method", "without", "early") if word in told}
    person = (ByHand if by_hand else Ordinary)(
        play.gateway, host, target, _headers(told.get("headers", {})), told.get("subprotocols", []), **rest
    )
    play.people[name] = person
    play.closed.discard(name)
    if told.get("wait", True):
        if by_hand:
            person.open()
        _check_answer(play, f"{name}'s handshake", step.get("expect", {}), person.handshake, 101)


def opened(play, step):
    name, person = play.person(step["opened"])
    person.open()
    _check_answer(play, f"{name}'s handshake", step.get("expect", {}), person.handshake, 101)


def send(play, step):
    _, person = play.person(step.get("from"))
    person.send(fill(step["send"], play.names) * step.get("repeat", 1))


def fragments(play, step):
    _, person = play.person(step.get("from"))
    person.fragments([fill(part, play.names) * step.get("repeat", 1) for part in step["fragments"]])


def frame(play, step):
    _, person = play.person(step.get("from"))
    for told in step["frame"] if isinstance(step["frame"], list) else [step["frame"]]:
        person.send_frame(told)


def ping(play, step):
    _, person = play.person(step.get("from"))
    person.ping(step["ping"].encode("utf-8"))


def close(play, step):
    name, person = play.person(step.get("from"))
    play.closed.add(name)
    # `true`: a close frame without a code.
    person.close(None if step["close"] is True else step["close"], step.get("reason", ""))


def hang_up(play, step):
    name, person = play.person(step["hang_up"])
    play.closed.add(name)
    person.hang_up(step.get("how", "end"))


def stop_reading(play, step):
    name, _ = play.person(step["stop_reading"])
    play.closed.add(name)


def _receive(play, name, person):
    try:
        return person.receive(play.patience)
    except (TimeoutError, EOFError) as nothing:
        raise Mismatch(f"what {name} gets", "something", f"nothing ({nothing})") from None


def gets(play, step):
    name, person = play.person(step.get("to"))
    came = _receive(play, name, person)
    if came[0] != "text":
        raise Mismatch(f"what {name} gets", step["gets"], came)
    check(f"what {name} gets", step["gets"], came[1], play.names)


def gets_binary(play, step):
    name, person = play.person(step.get("to"))
    came = _receive(play, name, person)
    if came[0] != "binary" or came[1].hex() != step["gets_binary"]:
        raise Mismatch(f"what {name} gets", ("binary", step["gets_binary"]), came)


def quiet(play, step):
    name, person = play.person(step["quiet"])
    came = person.fence()
    if came is not None:
        raise Mismatch(f"what {name} gets", "nothing", came)


def closed(play, step):
    name, person = play.person(step.get("to"))
    play.closed.add(name)
    came = _receive(play, name, person)
    if came[:2] != ("close", step["closed"]):
        raise Mismatch(f"what {name} gets", ("close", step["closed"]), came)
    if "reason" in step:
        check(f"the reason of {name}'s close frame", step["reason"], came[2], play.names)
    # As a client does that was told to go; after a violation the gateway waits for it.
    person.drop()


def saw(play, step):
    method, _, path = step["saw"].partition(" ")
    play.told_paths.add(path)

    def fits(request):
        return text_fits(play.where(path), request.path, dict(play.names))

    request = play.wait_for_request(fits, step["saw"])
    check("the path that the backend saw", play.where(path), request.path, play.names)
    if request.method != method:
        raise Mismatch("the method that the backend saw", method, request.method)
    what = f"what the backend saw at {path}"
    if "query" in step:
        check(f"{what}, query", step["query"], _some(step["query"], request.query), play.names)
    _check_headers(what, step.get("headers", {}), request.headers, play.names)
    names = [name for name, _ in request.headers]
    if "only_headers" in step and sorted(names, key=str.lower) != sorted(step["only_headers"], key=str.lower):
        raise Mismatch(f"{what}, header names", sorted(step["only_headers"], key=str.lower), sorted(names, key=str.lower))
    if "header_order" in step and [name for name in names if name in step["header_order"]] != step["header_order"]:
        raise Mismatch(f"{what}, order and spelling of headers", step["header_order"], names)
    if "hex" in step and request.body.hex() != step["hex"]:
        raise Mismatch(f"{what}, body in hex", step["hex"], request.body.hex())
    if "body" in step:
        check(f"{what}, body", step["body"], _some(step["body"], request.text), play.names)


def unseen(play, step):
    path = step["unseen"]
    play.told_paths.add(path)
    came = [request for request in play.unconsumed() if request.path == play.where(path)]
    if came:
        raise Mismatch(f"what the backend saw at {path}", "nothing", [(r.method, r.target, r.body) for r in came])


def answer(play, step):
    play.script(step["answer"], {key: value for key, value in step.items() if key != "answer"})


def release(play, step):
    waiting = [event for event in play.holds.get(step["release"], []) if not event.is_set()]
    if not waiting:
        raise Mismatch("an answer that is held back", step["release"], sorted(play.holds))
    waiting[0].set()


def _body(told):
    if "hex" in told:
        return bytes.fromhex(told["hex"])
    return told.get("body", "").encode("utf-8") * told.get("repeat", 1)


def http(play, step, method=None, target=None, status=200):
    told = fill({key: value for key, value in step.items() if key != "expect"}, play.names)
    if method is None:
        method, _, target = told["http"].partition(" ")
    headers = _headers(told.get("headers", {}))
    if "host" in told:
        headers = [("Host", told["host"]), *headers]
    with Wire(play.gateway.port) as wire:
        came = wire.request(method, target, headers, _body(told))
    _check_answer(play, f"the answer to {method} {target}", step.get("expect", {}), came, status)


SPELLINGS = {
    "raw": lambda connection: f"@connections/{connection}",
    "encoded": lambda connection: f"%40connections/{connection.replace('=', '%3D')}",
    "lower": lambda connection: f"%40connections/{connection.replace('=', '%3d')}",
}


def _connections(play, step, verb, status):
    connection = fill(step[verb], play.names)
    if step.get("via") == "sdk":
        return _by_sdk(play, step, verb, connection, status)
    tail = SPELLINGS[step.get("spelling", "raw")](connection)
    stage = fill(step.get("stage", play.made.stage), play.names)
    # With a host the stage is the first part of the path.
    target = f"/{stage}/{tail}" if "host" in step else f"{play.target(stage)}/{tail}"
    return http(play, step, verb.upper(), target, status)


def _by_sdk(play, step, verb, connection, status):
    client, expect = play.management(), step.get("expect", {})
    operation = {"post": client.post_to_connection, "get": client.get_connection, "delete": client.delete_connection}[verb]
    members = {"ConnectionId": connection, **({"Data": _body(fill(step, play.names))} if verb == "post" else {})}
    try:
        came = operation(**members)
        error = None
    except ClientError as failure:
        came, error = failure.response, failure.response["Error"]["Code"]
    found = came["ResponseMetadata"]["HTTPStatusCode"]
    if found != expect.get("status", status):
        raise Mismatch(f"the answer to the SDK's {verb}, status", expect.get("status", status), came)
    check(f"the SDK's error for {verb}", expect.get("error", False), error, play.names)
    if "body" in expect:
        members = {key: value for key, value in came.items() if key != "ResponseMetadata"}
        check(f"the SDK's result of {verb}", expect["body"], json.dumps(members, default=str), play.names)


def post(play, step):
    _connections(play, step, "post", 200)


def get(play, step):
    _connections(play, step, "get", 200)


def delete(play, step):
    _connections(play, step, "delete", 204)


def flood(play, step):
    """Posts until the wanted status comes."""
    passes = 410 if step.get("gone") else 200
    connection, body = fill(step["flood"], play.names), _body(fill(step, play.names))
    target = f"{play.target()}/@connections/{connection}"
    with Wire(play.gateway.port) as wire:
        for _ in range(FLOOD_MAX):
            came = wire.request("POST", target, (), body)
            if came.status == step["until"]:
                return
            if came.status != passes:
                break
    raise Mismatch("the answers to many posts", f"{passes}, then {step['until']}", f"{came.status} at last")


def call(play, step):
    operation, members = step["call"], fill(step.get("with", {}), play.names)
    service, expect = step.get("service", "apigatewayv2"), step.get("expect", {})
    if service == "apigatewayv2" and "ApiId" not in members and operation not in WITHOUT_API:
        members["ApiId"] = play.made.id
    try:
        url = play.gateway.url if service in CONTROL_PLANE else play.services.moto
        came, error = sdk_call(service, url, operation, members), None
    except ClientError as failure:
        came, error = failure.response, failure.response["Error"]["Code"]
    if "error" not in expect and error is not None:
        raise Mismatch(f"the answer to {operation}", "success", f"{error}: {came['Error']['Message']}")
    check(f"the error of {operation}", expect.get("error", False), error, play.names)
    if "status" in expect and came["ResponseMetadata"]["HTTPStatusCode"] != expect["status"]:
        raise Mismatch(f"the answer to {operation}, status", expect["status"], came)
    if "body" in expect:
        result = came["Error"] if error else {key: value for key, value in came.items() if key != "ResponseMetadata"}
        check_json(f"the answer to {operation}", expect["body"], json.loads(json.dumps(result, default=_text)), play.names, exactly=False)


def _text(value):
    """What JSON does not know: contents as text, times as they are written."""
    value = value.read() if hasattr(value, "read") else value
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


def signed(play, step):
    """The next call of a service that the program made for this story; that each is signed rightly is looked at in the end."""
    calls = play.calls()
    if len(calls) <= play.signed:
        raise Mismatch("the calls of services", f"one of {step['signed']}", "nothing more")
    came = calls[play.signed]
    play.signed += 1
    check("the service that was called", step["signed"], came.service, play.names)
    what = f"the call of {step['signed']}"
    _check_headers(what, step.get("headers", {}), list(came.headers.items()), play.names)
    if "body" in step:
        check(f"{what}, body", step["body"], came.body.decode("utf-8"), play.names)


WITHOUT_API = {"CreateDomainName", "CreateApiMapping", "DeleteDomainName", "CreateVpcLink", "GetVpcLink", "DeleteVpcLink", "CreateApi"}


def deploy(play, step):
    play.made.deploy(step.get("stage"))


def log(play, step):
    kind, text = step.get("kind"), step["log"]

    def fits(line):
        if play.made.id not in line:
            return False
        record = parse(line)
        if record is None or record.get("apiId") != play.made.id or kind not in (None, record["kind"]):
            return False
        return text_fits(text, str(record["message"]), play.names, whole=False)

    if step.get("absent"):
        with play.gateway._grew:
            lines = play.gateway.lines[play.log_mark :]
        found = next((line for line in lines if fits(line)), None)
        if found is not None:
            raise Mismatch("the execution log", f"no line with {text}", found)
        return
    try:
        play.gateway.wait_for_line(fits, text, play.log_mark, play.patience)
    except AssertionError:
        raise Mismatch("the execution log", f"a line with {text}", "\n".join(_lines(play)) or "nothing") from None


def _lines(play):
    return [f"[{record['kind']}] {record['message']}" for record in play.gateway.log(play.log_mark, apiId=play.made.id)]


def log_lines(play, step):
    """Lines of one event, in this order and with nothing between them but remarks of our own."""
    wanted = step["log_lines"]
    best = ("", 0)

    def found():
        nonlocal best
        records = [r for r in play.gateway.log(play.log_mark, apiId=play.made.id) if r["kind"] != "note"]
        for request in dict.fromkeys(r["requestId"] for r in records):
            messages = [r["message"] for r in records if r["requestId"] == request]
            names = dict(play.names)
            fitting = 0
            for text, message in zip(wanted, messages, strict=False):
                if not text_fits(text, message, names):
                    break
                fitting += 1
            if fitting == len(wanted) == len(messages):
                play.names.update(names)
                return True
            if fitting > best[1]:
                best = (f"expected {wanted[fitting] if fitting < len(wanted) else 'the end'}\n  in " + "\n     ".join(messages), fitting)
        return False

    # Each printed line is an event to look again at.
    try:
        if not found():
            play.gateway.wait_for_line(lambda line: play.made.id in line and found(), "the lines", play.log_mark, play.patience)
    except AssertionError:
        raise Mismatch("the execution log of one event", wanted, best[0] or "\n".join(_lines(play))) from None


def printed(play, step):
    text = step["printed"]

    def fits(line):
        return text_fits(text, line, play.names, whole=False)

    if step.get("absent"):
        with play.gateway._grew:
            found = next((line for line in play.gateway.lines[play.log_mark :] if fits(line)), None)
        if found is not None:
            raise Mismatch("what the program prints", f"no line with {text}", found)
        return
    try:
        play.gateway.wait_for_line(fits, text, play.log_mark, play.patience)
    except AssertionError as nothing:
        raise Mismatch("what the program prints", text, str(nothing)) from None


def stop(play, step):
    play.gateway.ask_to_stop()
