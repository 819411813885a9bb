"""`gatewright export` and `gatewright import`: what was made through the API leaves as a file and comes back."""

import json
import os
import subprocess

from harness.aws import Api, control

PATIENCE = 60


def run(*words, stdin=None):
    return subprocess.run(
        [os.environ["GATEWRIGHT_BIN"], *words], input=stdin, capture_output=True, text=True, timeout=PATIENCE, check=False
    )  # fmt: skip


def test_definitions_leave_and_come_back(start_gateway, backend, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    gateway = start_gateway(data_dir=source)
    api = Api(gateway, name="moved")
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}/moved"), two_way=True)
    api.deploy()
    while_running = run("export", "--data-dir", str(source))
    assert while_running.returncode == 0, while_running.stderr
    busy = run("import", "-", "--data-dir", str(source), "--replace", stdin=while_running.stdout)
    assert busy.returncode == 78 and "in use by a running gatewright: stop it first" in busy.stderr, busy.stderr
    routes = control(gateway.url).get_routes(ApiId=api.id)["Items"]
    gateway.stop()

    exported = run("export", "--data-dir", str(source))
    assert (exported.returncode, exported.stdout) == (0, while_running.stdout), exported.stderr
    document = json.loads(exported.stdout)
    assert document["documents"][f"apis/{api.id}"]["name"] == "moved"

    broken = run("import", "-", "--data-dir", str(target), stdin='{"format": "gatewright-definitions-1", "documents": {"apis/x": {}}}')
    assert broken.returncode == 65 and "apis/x: its member `apiId` is not `x`" in broken.stderr, broken.stderr
    imported = run("import", "-", "--data-dir", str(target), stdin=exported.stdout)
    assert imported.returncode == 0, imported.stderr
    file = tmp_path / "definitions.json"
    file.write_text(exported.stdout)
    again = run("import", str(file), "--data-dir", str(target))
    assert again.returncode == 78 and "--replace takes their place" in again.stderr, again.stderr
    assert run("import", str(file), "--data-dir", str(target), "--replace").returncode == 0
    assert run("export", "--data-dir", str(target)).stdout == exported.stdout

    moved = start_gateway(data_dir=target)
    assert control(moved.url).get_routes(ApiId=api.id)["Items"] == routes


def test_models_that_an_earlier_version_took_come_in_and_are_named(start_gateway, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    gateway = start_gateway(data_dir=source)
    api = Api(gateway, name="older")
    model = api.client.create_model(ApiId=api.id, Name="Older", Schema="{}")["ModelId"]
    api.route("$default")
    api.deploy()
    gateway.stop()
    document = json.loads(run("export", "--data-dir", str(source)).stdout)
    document["documents"][f"apis/{api.id}/models/{model}"]["schema"] = '{"type":"string","example":"x"}'
    imported = run("import", "-", "--data-dir", str(target), stdin=json.dumps(document))
    assert imported.returncode == 0, imported.stderr
    assert f"apis/{api.id}/models/{model} (Older) is taken" in imported.stderr and '["example"]' in imported.stderr, imported.stderr
    moved = start_gateway(data_dir=target)
    client = control(moved.url)
    assert client.get_model(ApiId=api.id, ModelId=model)["Schema"] == '{"type":"string","example":"x"}'
    client.update_model(ApiId=api.id, ModelId=model, Description="still usable")


def test_a_folder_without_definitions_is_no_export(tmp_path):
    done = run("export", "--data-dir", str(tmp_path / "none"))
    assert done.returncode == 66 and "holds no definitions" in done.stderr
    assert not (tmp_path / "none").exists()
    gone = run("import", str(tmp_path / "none.json"), "--data-dir", str(tmp_path / "none"))
    assert gone.returncode == 66 and "there is no such file" in gone.stderr


def test_a_running_gateway_in_a_deep_folder_is_exported_too(start_gateway, tmp_path):
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    gateway = start_gateway(data_dir=deep)
    api = Api(gateway, name="deep")
    exported = run("export", "--data-dir", str(deep))
    assert exported.returncode == 0 and f"apis/{api.id}" in json.loads(exported.stdout)["documents"], exported.stderr
    assert (deep / "gatewright.sock").stat().st_mode & 0o777 == 0o600
    gateway.stop()
    assert not (deep / "gatewright.sock").exists()
