"""Settings: every way to give one, what each mistake says, and how the program ends."""

import os
import signal
import socket
import subprocess

import pytest

BIN = os.environ.get("GATEWRIGHT_BIN", "target/debug/gatewright")


def run(tmp_path, *words, env=(), stdout=subprocess.PIPE):
    """Runs a command that ends by itself, in an empty folder, with nothing of ours in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.run(
        [os.path.abspath(BIN), *words], cwd=tmp_path, env={**clean, **dict(env)}, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=20
    )


def settings(answer):
    """The rows that `config` printed: name → (value, origin)."""
    assert answer.returncode == 0, answer.stderr
    rows = [line.split("  ") for line in answer.stdout.splitlines()]
    rows = [[part.strip() for part in row if part.strip()] for row in rows]
    return {name: (value, origin) for name, value, origin in rows}


def test_a_value_comes_from_the_option_the_variable_the_file_or_the_default_in_this_order(tmp_path):
    (tmp_path / "gatewright.toml").write_text('region = "eu-west-1"\naccount-id = "111111111111"\n[limits]\nidle-timeout = "3m"\n')
    env = {"GATEWRIGHT_REGION": "eu-west-2", "GATEWRIGHT_LIMIT": "idle-timeout=1s, frame-bytes=64k", "GATEWRIGHT_EPHEMERAL": "1", "GATEWRIGHT_ADMIN": ""}
    found = settings(run(tmp_path, "config", "--limit", "frame-bytes=0", env=env))
    assert found["region"] == ("eu-west-2", "environment, GATEWRIGHT_REGION")
    assert found["account-id"] == ("111111111111", "gatewright.toml")
    assert found["limit idle-timeout"] == ("1s", "environment, GATEWRIGHT_LIMIT")
    assert found["limit frame-bytes"] == ("0", "command line")
    assert found["limit message-bytes"] == ("131072", "default")
    assert found["ephemeral"] == ("true", "environment, GATEWRIGHT_EPHEMERAL")
    assert found["admin"] == ("–", "default")


@pytest.mark.parametrize(
    ("words", "env", "file", "code", "part"),
    [
        (["srve"], {}, "", 64, "unrecognized subcommand"),
        (["serve", "--nope"], {}, "", 64, "--nope"),
        (["serve", "--listen", "somewhere"], {}, "", 78, "is no address and port"),
        (["serve", "--port", "4510"], {}, "", 78, "there is no --port: say --listen 4510"),
        (["serve", "--listen", "no-such-host.invalid:1"], {}, "", 78, "is the name of no address"),
        (["serve", "--listen", "0.0.0.0:0"], {}, "", 78, "reachable from other machines"),
        (["serve", "--listen", "0.0.0.0:0", "--insecure"], {}, "", 78, "--admin"),
        (["serve", "--listen", "0.0.0.0:0", "--credentials", "keys.toml"], {}, "", 78, "or give the control plane an address of its own"),
        (["serve", "--listen", "127.0.0.1:0", "--ephemeral", "--credentials", "keys.toml"], {}, "", 78, "credentials file keys.toml: No such file"),
        (["demo", "--listen", "127.0.0.1:0", "--credentials", "keys.toml"], {}, "", 78, "the demo's page does not sign"),
        (["credentials", "new", "--user", "ann"], {}, "", 78, "which file? Say --credentials FILE"),
        (["serve", "--listen", "127.0.0.1:9", "--admin", "127.0.0.1:9"], {}, "", 78, "address of --listen"),
        (["serve", "--limit", "idle=1s"], {}, "", 78, "there is no limit `idle`"),
        (["serve", "--limit", "idle-timeout=fast"], {}, "", 78, "`fast` is not a time"),
        (["serve", "--account-id", "12"], {}, "", 78, "12 digits"),
        (["serve", "--backend", "http://"], {}, "", 78, "is no http:// or https:// URL"),
        (["serve", "--backend", "http://127.0.0.1:99999"], {}, "", 78, "is no http:// or https:// URL"),
        (["serve", "--access-log-rotate", "daily"], {}, "", 78, "access-log-rotate: `daily` is no size"),
        (["serve", "--access-log-keep", "2.5"], {}, "", 78, "access-log-keep (command line): `2.5`"),
        (["serve"], {"GATEWRIGHT_ACCESS_LOG_KEEP": "9999"}, "", 78, "is no whole number up to 1000"),
        (["serve", "--name-server", "dns.test"], {}, "", 78, "name-server (command line): `dns.test` is no IP address"),
        (["serve", "--metrics-series", "many"], {}, "", 78, "metrics-series (command line): `many`"),
        (["serve", "--ephemeral", "--data-dir", "d"], {}, "", 78, "nothing is kept"),
        (["serve"], {"GATEWRIGHT_EPHEMERAL": "maybe"}, "", 78, "GATEWRIGHT_EPHEMERAL"),
        (["serve"], {"GATEWRIGHT_LISTEN": "x"}, "", 78, "GATEWRIGHT_LISTEN"),
        (["serve"], {}, "listn = 1", 78, "gatewright.toml, line 1: unknown field `listn`; did you mean `listen`?"),
        (["config"], {}, 'ephemeral = true\n\nlisten = "nowhere"', 78, "gatewright.toml, line 3: listen (gatewright.toml): `nowhere` is no address"),
        (["config"], {}, '[limits]\nidle-timout = "1s"', 78, "gatewright.toml, line 2: there is no limit `idle-timout` (did you mean idle-timeout"),
        (["serve"], {}, "limits = 3", 78, "gatewright.toml"),
        (["serve", "--config", "missing.toml"], {}, "", 78, "missing.toml"),
        (["serve", "--listen", "127.0.0.1:0", "--data-dir", "/dev/null"], {}, "", 74, "not a folder"),
    ],
)
def test_each_mistake_is_named_in_one_line_with_its_exit_code(tmp_path, words, env, file, code, part):
    if file:
        (tmp_path / "gatewright.toml").write_text(file)
    answer = run(tmp_path, *words, env=env)
    assert (answer.returncode, part in answer.stderr) == (code, True), answer.stderr


def test_an_address_that_is_taken_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        answer = run(tmp_path, "serve", "--ephemeral", "--listen", f"127.0.0.1:{taken.getsockname()[1]}")
    assert answer.returncode == 78
    assert "cannot listen on" in answer.stderr


def test_a_reader_that_has_enough_of_the_settings_is_no_error(tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    answer = run(tmp_path, "config", stdout=writer)
    os.close(writer)
    assert (answer.returncode, answer.stderr) == (0, "")


def test_a_signal_as_soon_as_the_program_speaks_is_a_clean_stop(tmp_path):
    for _ in range(20):
        program = subprocess.Popen([os.path.abspath(BIN), "serve", "--ephemeral", "--listen", "127.0.0.1:0"], cwd=tmp_path, stdout=subprocess.PIPE)
        program.stdout.readline()
        program.send_signal(signal.SIGTERM)
        assert program.wait(timeout=10) == 0
        program.stdout.close()


def test_the_api_of_backend_is_there_whole_and_follows_the_option(tmp_path, start_gateway):
    from harness.aws import control

    for backend in ("http://127.0.0.1:3000", "http://127.0.0.1:3001/x"):
        gateway = start_gateway("--backend", backend, data_dir=tmp_path / "data")
        client = control(gateway.url)
        (integration,) = client.get_integrations(ApiId="gatewright")["Items"]
        assert integration["IntegrationUri"] == backend
        assert {route["RouteKey"] for route in client.get_routes(ApiId="gatewright")["Items"]} == {"$connect", "$disconnect", "$default"}
        assert client.get_stage(ApiId="gatewright", StageName="dev")["AutoDeploy"]
        gateway.stop()


def test_what_an_interrupted_start_left_of_the_backends_api_is_made_whole(tmp_path, start_gateway):
    from harness.aws import control

    gateway = start_gateway(data_dir=tmp_path / "data")
    control(gateway.url).create_api(Name="half", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.a", Tags={"_custom_id_": "gatewright"})
    gateway.stop()
    gateway = start_gateway("--backend", "http://127.0.0.1:3000", data_dir=tmp_path / "data")
    assert control(gateway.url).get_stage(ApiId="gatewright", StageName="dev")["AutoDeploy"]


def test_a_limit_has_a_variable_of_its_own_and_an_unknown_variable_is_an_error(tmp_path):
    env = {"GATEWRIGHT_LIMIT": "idle-timeout=1s", "GATEWRIGHT_LIMIT_IDLE_TIMEOUT": "2s", "GATEWRIGHT_PORT": "tcp://10.0.0.1:80"}
    found = settings(run(tmp_path, "config", env=env))
    assert found["limit idle-timeout"] == ("2s", "environment, GATEWRIGHT_LIMIT_IDLE_TIMEOUT")
    for name, meant in (("GATEWRIGHT_LISTN", "GATEWRIGHT_LISTEN"), ("GATEWRIGHT_LIMIT_IDLE_TIMOUT", "GATEWRIGHT_LIMIT_IDLE_TIMEOUT")):
        wrong = run(tmp_path, "config", env={name: "1s"})
        assert wrong.returncode == 78 and f"{name} is no setting; did you mean {meant}?" in wrong.stderr, wrong.stderr


def test_the_printed_settings_file_gives_the_same_settings(tmp_path):
    (tmp_path / "gatewright.toml").write_text(
        'region = "eu-west-1"\nephemeral = true\naccess-log-keep = 3\n[limits]\nidle-timeout = "3m"\n[vpc-links.l1]\ntargets = ["127.0.0.1:80"]\n'
    )
    words = ["--log-level", "warn", "--limit", "frame-bytes=64k"]
    printed = run(tmp_path, "config", "--toml", *words)
    assert printed.returncode == 0, printed.stderr
    other = tmp_path / "other"
    other.mkdir()
    (other / "gatewright.toml").write_text(printed.stdout)
    before, after = settings(run(tmp_path, "config", *words)), settings(run(other, "config"))
    assert {name: value for name, (value, _) in after.items()} == {name: value for name, (value, _) in before.items()}
    assert after["limit frame-bytes"][1] == "gatewright.toml" and after["limit message-bytes"][1] == "default"
    (other / "gatewright.toml").write_text("\n".join(line.removeprefix("# ") for line in printed.stdout.splitlines()[2:]))
    assert run(other, "config").returncode == 0, "what is commented out can be used, too"
