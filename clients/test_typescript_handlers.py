"""Handlers in TypeScript, built by the esbuild of the project that they belong to."""

import shutil
from pathlib import Path

from harness.clients import open_websocket
from harness.stacks import api_named, stage_url

APP = Path(__file__).resolve().parent / "iac" / "typescript"


def said(url, text):
    """What comes back of a message, over a connection of its own."""
    with open_websocket(url) as client:
        client.send(text)
        return client.recv(timeout=30)


def test_typescript_is_built_and_built_again_when_it_is_edited(start_gateway, node_folder):
    folder = Path(shutil.copytree(APP, node_folder / "typescript"))
    gateway = start_gateway("--template", str(folder / "template.yaml"), "--watch")
    url = stage_url(gateway, api_named(gateway, "Ws"), "dev")
    with open_websocket(url) as client:

        def answer(text):
            client.send(text)
            return client.recv(timeout=30)

        assert answer("ann") == "plain hello ann"
        assert answer('{"action":"built"}') == 'built hello {"action":"built"}'

        # A file that both import: what was built of it is built again.
        greeting = folder / "src" / "said" / "greeting.ts"
        mark = gateway.mark()
        greeting.write_text("export const greeting: string = 'good evening'\n")
        gateway.wait_for_line(lambda line: "stack template: nothing changes" in line, "the look at the edit", mark)
        assert answer("ann") == "plain good evening ann"
        assert answer('{"action":"built"}') == 'built good evening {"action":"built"}'

        # What cannot be built is told with the compiler's words, and what ran before runs on; when it is mended it runs.
        mark = gateway.mark()
        greeting.write_text("export const greeting: string = \n")
        line = gateway.wait_for_line(lambda line: "the template is left as it was" in line, "the complaint", mark)
        assert "esbuild:" in line and "src/said/greeting.ts:2:0:" in line and "Unexpected end of file" in line, line
        assert answer("ann") == "plain good evening ann"
        mark = gateway.mark()
        greeting.write_text("export const greeting: string = 'good night'\n")
        gateway.wait_for_line(lambda line: "stack template: nothing changes" in line, "the look at the edit", mark)
        assert answer("ann") == "plain good night ann"
        assert answer('{"action":"built"}') == 'built good night {"action":"built"}'


def test_without_esbuild_it_is_said_what_is_missing(start_gateway, tmp_path):
    folder = Path(shutil.copytree(APP, tmp_path / "typescript"))
    gateway = start_gateway("--template", str(folder / "template.yaml"))
    for file in ["plain.ts", "built.ts"]:
        wanted = f"src/{file} is to be built, and there is no esbuild: npm install --save-dev esbuild"
        gateway.wait_for_line(lambda line, wanted=wanted: wanted in line, "the word")
    url = stage_url(gateway, api_named(gateway, "Ws"), "dev")
    assert "Internal server error" in said(url, "ann")
