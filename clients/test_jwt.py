"""JWT authorizers: an issuer served by Express, tokens made by Node, clients of `ws` that bring them in every way there is."""

import base64
import json
import re
import subprocess
import time
from pathlib import Path

import pytest

from harness.aws import CLI_PATIENCE, Api, Cli, cli_environment
from harness.tokens import Issuer, guarded
from harness.until import until

GUIDE = Path(__file__).resolve().parent.parent / "docs" / "jwt.md"
# The gateway asks an issuer every 10 s at most.
ASKED_PATIENCE = 30


@pytest.fixture(scope="module")
def issuer():
    with Issuer() as started:
        yield started


@pytest.fixture(scope="module")
def settled(start_gateway, tmp_path_factory, issuer):
    """A gateway that knows the issuers."""
    folder = tmp_path_factory.mktemp("jwt")
    (folder / "keys.json").write_text(json.dumps(issuer.do("jwks")))
    settings = folder / "gatewright.toml"
    settings.write_text(
        f'[jwt."{issuer.url}"]\naudiences = ["chat", "client-1"]\n'
        f'token = ["header:Authorization", "query:token", "cookie:sid", "subprotocol"]\n'
        f'[jwt."{issuer.url}/scoped"]\naudiences = ["chat"]\nscopes = ["chat.read", "chat.write"]\nprincipal = "email"\n'
        f'[jwt."{issuer.url}/plain"]\naudiences = ["chat"]\n'
        f'[jwt."{issuer.url}/liar"]\naudiences = ["chat"]\n'
        f'[jwt."{issuer.url}/moved"]\naudiences = ["chat"]\n'
        f'[jwt."{issuer.url}/large"]\naudiences = ["chat"]\n'
        f'[jwt."https://filed.example.com/"]\naudiences = ["chat"]\njwks = "{folder / "keys.json"}"\n'
    )
    return start_gateway("--config", str(settings))


@pytest.fixture(scope="module")
def api(settled, backend, issuer):
    return guarded(settled, backend, issuer.url)


def refused(api, since, *parts):
    """The log says why a client was refused."""
    api.gateway.wait_for_line(lambda line: all(part in line for part in parts), f"a line with {parts}", since)


def test_a_token_lets_in_wherever_the_settings_look_for_it(api, issuer):
    token = issuer.token()
    assert issuer.connect(api)["status"] == 401
    assert issuer.connect(api, Authorization=f"Bearer {token}")["opened"]
    assert issuer.connect(api, Authorization=token)["opened"]
    assert issuer.connect(api, query=f"?token={token}&room=1")["opened"]
    assert issuer.connect(api, Cookie=f"a=b; sid={token}")["opened"]
    answer = issuer.connect(api, protocols=["access_token", token])
    assert (answer["opened"], answer["protocol"], answer["said"]) == (True, "access_token", "hello")
    # Somewhere else it is none, and two at one place are none either.
    assert issuer.connect(api, query=f"?other={token}")["status"] == 401
    assert issuer.connect(api, query=f"?token={token}&token={token}")["status"] == 401


def test_an_identity_source_says_where_the_token_is(settled, backend, issuer):
    api = guarded(settled, backend, issuer.url, sources=["route.request.querystring.auth"])
    assert issuer.connect(api, query=f"?auth={issuer.token()}")["opened"]
    assert issuer.connect(api, Authorization=f"Bearer {issuer.token()}")["status"] == 401


def test_every_algorithm_and_each_way_to_the_keys(settled, backend, api, issuer):
    for kid in ("rsa", "ec", "ed"):
        assert issuer.bearing(api, issuer.token(kid)) == 101, kid
    for name in (f"{issuer.url}/plain", "https://filed.example.com/"):
        other = guarded(settled, backend, name)
        assert issuer.bearing(other, issuer.token(issuer=name)) == 101, name
        assert issuer.bearing(other, issuer.token()) == 401, name


def test_claims_go_with_the_connection(api, backend, issuer):
    mark = backend.mark()
    token = issuer.token(plan="gold", level=3, admin=True, groups=["a"], principalId="evil")
    assert issuer.connect(api, query=f"?token={token}")["opened"]
    for event in ("connect", "message", "disconnect"):
        request = backend.wait_for(f"/jwt/{event}", since=mark)[0]
        seen = [request.header(name) for name in ("principal", "plan", "level", "admin", "groups")]
        assert seen[:4] == ["user-7", "gold", "3", "true"], event
        assert not seen[4], "lists stay behind"


def test_what_does_not_let_in_is_401_and_the_log_says_why(api, issuer):
    now = int(time.time())
    head = lambda header: base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    good = issuer.token()
    _, payload, signature = good.split(".")
    for token, part in [
        (issuer.token(exp=now - 100), "it expired 1"),
        (issuer.token(exp=None), "it has no `exp`"),
        (issuer.token(nbf=now + 500), "in force only in"),
        (issuer.token(aud="other"), "`aud` is `other`; of the audiences it is none: `chat`, `client-1`"),
        (issuer.token(aud=None), "neither `aud` nor `client_id`"),
        (issuer.token(issuer="https://evil.example.com"), "`iss` is `https://evil.example.com`, and not"),
        (issuer.token(issuer=issuer.url + "/"), "they differ in the slash at the end"),
        (issuer.token(sub=None), "no claim `sub`, which is to be principalId"),
        (issuer.token("foreign", header={"kid": "ec"}), "its signature (ES256) is none of the issuer's"),
        (issuer.token("foreign"), "the issuer has no key with the `kid` `foreign`"),
        (issuer.token("ec", header={"alg": "RS256", "kid": "rsa"}), "its signature (RS256)"),
        (issuer.token(header={"alg": "HS256"}), "`alg` is `HS256`"),
        (issuer.token(header={"crit": ["exp"]}), "`crit`"),
        (f'{head({"alg": "none"})}.{payload}.', "`alg` is `none`: a token without a signature proves nothing"),
        (f'{head({"alg": "none"})}.{payload}.{signature}', "`alg` is `none`"),
        ("abc", "it is no token"),
    ]:
        mark = api.gateway.mark()
        assert issuer.bearing(api, token) == 401, part
        refused(api, mark, part, "authorizer tokens")
    # An audience by its client's id.
    assert issuer.bearing(api, issuer.token(aud=None, client_id="client-1")) == 101


def test_a_good_token_without_the_scope_is_403(settled, backend, issuer):
    url = f"{issuer.url}/scoped"
    api = guarded(settled, backend, url)
    mark = settled.mark()
    assert issuer.bearing(api, issuer.token(issuer=url, email="a@example.com", scope="profile")) == 403
    refused(api, mark, "its scopes are `profile`; one of `chat.read`, `chat.write` is asked for")
    assert issuer.bearing(api, issuer.token(issuer=url, email="a@example.com")) == 403
    mark = backend.mark()
    assert issuer.bearing(api, issuer.token(issuer=url, email="a@example.com", scope="profile chat.write")) == 101
    assert backend.wait_for("/jwt/connect", since=mark)[0].header("principal") == "a@example.com"
    assert issuer.bearing(api, issuer.token(issuer=url, scope="chat.read")) == 401


def test_the_log_shows_no_token(api, settled, issuer):
    token = issuer.token(plan="silver")
    payload, signature = token.split(".")[1:]
    assert issuer.connect(api, Authorization=f"Bearer {token}")["opened"]
    assert issuer.connect(api, query=f"?token={token}")["opened"]
    assert issuer.connect(api, Cookie=f"sid={token}")["opened"]
    assert issuer.connect(api, protocols=["access_token", token])["opened"]
    # The client gives up where none of its subprotocols is chosen.
    mark = settled.mark()
    assert not issuer.connect(api, protocols=[token])["opened"]
    settled.wait_for_log("returned no Sec-WebSocket-Protocol header", mark)
    assert issuer.bearing(api, token[:-1]) == 401
    assert payload not in settled.output() and signature[:40] not in settled.output()


def test_an_issuer_without_settings_lets_nobody_in(settled, backend, issuer):
    mark = settled.mark()
    api = guarded(settled, backend, issuer.url + "/")
    refused(api, mark, "authorizer tokens (", f") cannot work: the settings file has no [jwt.")
    mark = settled.mark()
    assert issuer.bearing(api, issuer.token(issuer=issuer.url + "/")) == 500
    refused(api, mark, f'the settings file has no [jwt.', f'it has [jwt.')


def test_who_only_says_to_be_an_issuer_is_not_believed(settled, backend, issuer):
    for name, part in [("liar", f"it is of the issuer `{issuer.url}`, and not of"), ("moved", "/moved/.well-known/jwks.json answered 302"), ("large", "larger than")]:
        url = f"{issuer.url}/{name}"
        settled.wait_for_line(lambda line: f"the keys of {url} cannot be had" in line and part in line, part)
        api = guarded(settled, backend, url)
        assert issuer.bearing(api, issuer.token(issuer=url)) == 500


def test_the_aws_cli_makes_one(settled, backend, issuer):
    api = Api(settled, name="cli")
    aws = Cli(settled.url)
    words = ["--api-id", api.id, "--name", "tokens", "--authorizer-type", "REQUEST", "--authorizer-uri", f"jwt:{issuer.url}"]
    made = aws("create-authorizer", *words, "--identity-source", "[]")
    assert made["AuthorizerUri"] == f"jwt:{issuer.url}"
    target = api.integration("HTTP_PROXY", f"{backend.url}/cli")
    aws("create-route", "--api-id", api.id, "--route-key", "$connect", "--authorization-type", "CUSTOM", "--authorizer-id", made["AuthorizerId"], "--target", f"integrations/{target}")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/cli"), two_way=True)
    api.deploy()
    assert issuer.bearing(api, issuer.token()) == 101
    assert issuer.bearing(api, "") == 401


def block(language):
    return re.search(rf"^```{language}\n(.*?)^```$", GUIDE.read_text("utf-8"), re.MULTILINE | re.DOTALL)[1]


def test_the_guide_s_two_steps_work_as_they_stand(start_gateway, tmp_path, backend, issuer):
    settings = tmp_path / "gatewright.toml"
    settings.write_text(block("toml").replace("https://issuer.example.com", issuer.url))
    gateway = start_gateway("--config", str(settings), "--backend", backend.url)
    commands = block("sh").replace("https://issuer.example.com", issuer.url)
    done = subprocess.run(
        ["bash", "-e", "-c", commands], env=cli_environment(gateway.url), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=CLI_PATIENCE, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    url = f"ws://127.0.0.1:{gateway.port}/_aws/execute-api/gatewright/dev"
    token = issuer.token(aud="my-client-id")
    assert issuer.do("connect", url=f"{url}?token={token}")["opened"]
    assert issuer.do("connect", url=url)["status"] == 401


def test_keys_change_and_nobody_can_have_the_issuer_flooded(api, issuer):
    issuer.do("key", kid="new", alg="ES256")
    token = issuer.token("new")
    before = issuer.do("asked")["asked"]
    began = time.monotonic()
    for _ in range(40):
        assert issuer.bearing(api, token) == 401
    assert issuer.do("asked")["asked"] - before <= 1 + (time.monotonic() - began) / 10
    # It takes the place of the old one.
    issuer.do("publish", kids=["rsa", "ed", "new"])
    until(lambda: issuer.bearing(api, token) == 101, "the new key to be fetched", ASKED_PATIENCE)
    assert issuer.bearing(api, issuer.token("ec")) == 401
    assert issuer.bearing(api, issuer.token("rsa")) == 101


def test_an_issuer_that_is_down_is_said_to_be(api, settled, issuer):
    mark = settled.mark()
    issuer.do("down")
    # A token of a key that is not there has the issuer asked.
    issuer.do("key", kid="later", alg="EdDSA")
    token = issuer.token("later")

    def noticed():
        assert issuer.bearing(api, token) == 401
        return any("cannot be had" in line and "those before stay in force" in line for line in settled.lines[mark:])

    until(noticed, "the log to say that the issuer is down", ASKED_PATIENCE)
    # The keys before do.
    assert issuer.bearing(api, issuer.token("rsa")) == 101
    issuer.do("publish", kids=["rsa", "later"])
    issuer.do("up", port=issuer.port)
    until(lambda: issuer.bearing(api, token) == 101, "the issuer to be asked again", ASKED_PATIENCE)


def test_without_keys_nobody_gets_in_until_they_can_be_had(start_gateway, tmp_path, backend, issuer):
    keys = tmp_path / "keys.json"
    settings = tmp_path / "gatewright.toml"
    settings.write_text(f'[jwt."https://late.example.com"]\naudiences = ["chat"]\njwks = "{keys}"\n')
    gateway = start_gateway("--config", str(settings))
    api = guarded(gateway, backend, "https://late.example.com")
    gateway.wait_for_line(lambda line: "the keys of https://late.example.com cannot be had" in line, "the complaint")
    token = issuer.token("rsa", issuer="https://late.example.com")
    mark = gateway.mark()
    assert issuer.bearing(api, token) == 500
    refused(api, mark, "authorizer tokens", "cannot be had", "keys.json")
    # What is no token is told so all the same.
    assert issuer.bearing(api, "abc") == 401
    keys.write_text(json.dumps(issuer.do("jwks")))
    until(lambda: issuer.bearing(api, token) == 101, "the file to be read", ASKED_PATIENCE)
