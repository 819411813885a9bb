"""The first minute: what the program says without a word, and a settings file from three questions or from options."""

import os
import subprocess
import tomllib

import pytest

BIN = os.path.abspath(os.environ.get("GATEWRIGHT_BIN", "target/debug/gatewright"))


def run(folder, *words, answers=""):
    """Runs a command that ends by itself, with nothing of ours in its environment."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GATEWRIGHT_")}
    return subprocess.run([BIN, *words], cwd=folder, env=clean, input=answers, capture_output=True, text=True, timeout=20, check=False)


def test_without_a_word_the_program_says_what_to_type(tmp_path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (64, "")
    for command in ("gatewright demo", "gatewright init", "gatewright serve --backend", "gatewright import-aws"):
        assert command in done.stderr
    assert len(done.stderr.splitlines()) < 20, "a short page"
    # What it names is there.
    for command in ("demo", "init", "serve", "import-aws", "doctor"):
        assert run(tmp_path, command, "--help").returncode == 0, command


@pytest.mark.parametrize(
    ("answers", "name", "value"),
    [
        ("localhost:9000\n127.0.0.1:4600\nkept\n", "backend", "localhost:9000"),
        ("src/app.py:answer\n4600\nkept\n", "function", "src/app.py:answer"),
        ("template.yaml\n127.0.0.1:4600\nkept\n", "template", "template.yaml"),
        ("-\n127.0.0.1:4600\nkept\n", None, None),
    ],
)
def test_three_answers_make_a_file_that_can_be_used(tmp_path, answers, name, value):
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def answer(event, context):\n    return {'statusCode': 200}\n")
    done = run(tmp_path, "init", answers=answers)
    assert done.returncode == 0, done.stderr
    written = tomllib.loads((tmp_path / "gatewright.toml").read_text())
    behind = {key: value for key, value in written.items() if key in ("backend", "function", "template")}
    assert behind == ({name: value} if name else {})
    assert written["listen"] in ("127.0.0.1:4600", "4600") and written["data-dir"] == "kept"
    assert "gatewright serve" in done.stdout and "npx wscat -c ws://127.0.0.1:4600/_aws/execute-api/" in done.stdout
    assert 'new WebSocket("ws://127.0.0.1:4600/' in done.stdout
    assert run(tmp_path, "config", "--check", "gatewright.toml").returncode == 0


def test_options_stand_in_place_of_questions(tmp_path):
    words = ["init", "--backend", "localhost:1", "--backend-paths", "--listen", "127.0.0.2:7", "--data-dir", "d", "--config", "mine.toml"]
    done = run(tmp_path, *words)
    assert done.returncode == 0 and "?" not in done.stdout.splitlines()[0], done.stdout
    assert tomllib.loads((tmp_path / "mine.toml").read_text()) == {
        "listen": "127.0.0.2:7", "data-dir": "d", "backend": "localhost:1", "backend-paths": True,
    }  # fmt: skip
    assert "gatewright serve --config mine.toml" in done.stdout
    (tmp_path / "handler.mjs").write_text("export const handler = async () => ({statusCode: 200});\n")
    done = run(tmp_path, "init", "--yes")
    assert done.returncode == 0 and tomllib.loads((tmp_path / "gatewright.toml").read_text())["function"] == "handler.mjs", "what is there is guessed"


def test_a_file_that_is_there_stays_and_what_is_wrong_writes_nothing(tmp_path):
    for words, part in (
        (["--listen", "nowhere", "--yes"], "is no address and port"),
        (["--listen", "0.0.0.0:1", "--yes"], "reachable from other machines"),
        (["--backend", "x", "--template", "y"], "not both"),
    ):
        done = run(tmp_path, "init", *words)
        assert done.returncode == 78 and part in done.stderr, done.stderr
        assert not (tmp_path / "gatewright.toml").exists()
    (tmp_path / "gatewright.toml").write_text("# mine\n")
    done = run(tmp_path, "init", "--yes")
    assert done.returncode == 78 and "--force" in done.stderr
    assert (tmp_path / "gatewright.toml").read_text() == "# mine\n"
    assert run(tmp_path, "init", "--yes", "--force").returncode == 0
    assert "localhost:3000" in (tmp_path / "gatewright.toml").read_text()


def test_a_settings_file_is_looked_over_without_a_gateway(tmp_path):
    file = tmp_path / "some.toml"
    for text, part in (
        ('listen = "127.0.0.1:1"\nephemeral = true\nlog-levl = "warn"\n', "some.toml, line 3: unknown field `log-levl`; did you mean `log-level`?"),
        ('\nlisten = "nowhere"\n', "some.toml, line 2: listen (some.toml): `nowhere` is no address"),
        ('[limits]\n\nidle-timeout = "fast"\n', "some.toml, line 3: limit `idle-timeout`: `fast` is not a time"),
        ('[functions.chat]\nhandlr = "app.handler"\n', "some.toml, line 2: unknown field `handlr`; did you mean `handler`?"),
        ("listen = \n", "line 1"),
    ):
        file.write_text(text)
        done = run(tmp_path, "config", "--check", "some.toml")
        assert (done.returncode, part in done.stderr, done.stdout) == (78, True, ""), done.stderr
    file.write_text('listen = "127.0.0.1:1"\n[limits]\nidle-timeout = "3m"\n')
    done = run(tmp_path, "config", "--check", "some.toml")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert run(tmp_path, "config", "--check", "none.toml").returncode == 78


def test_the_example_is_a_settings_file_that_changes_nothing(tmp_path):
    plain = run(tmp_path, "config").stdout
    example = run(tmp_path, "config", "--example")
    assert example.returncode == 0
    (tmp_path / "gatewright.toml").write_text(example.stdout)
    assert run(tmp_path, "config").stdout == plain
    (tmp_path / "gatewright.toml").write_text(example.stdout.replace('#region = "us-east-1"', 'region = "eu-west-1"'))
    assert "eu-west-1" in run(tmp_path, "config").stdout
