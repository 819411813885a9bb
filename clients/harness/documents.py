"""The documents as tests: blocks that are marked are run as they stand, in a folder of their own, against the real program.

A comment on the line before a fence marks it:

    <!-- run NAME -->              the block's commands run, in the order of the page, in the session NAME: one shell, one folder
    <!-- run NAME stays PORT -->   the block starts a program that stays; the session goes on when PORT answers
    <!-- file NAME server.mjs -->  the block is a file of the session's folder
    <!-- prints NAME -->           each line of the block stands in what the last block of the session printed

Ports that pages name are replaced by free ones, so that nothing else is met.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MARK = re.compile(r"^<!-- (run|file|prints) ([\w-]+)(?: (.+?))? -->$")
FENCE = re.compile(r"^```\w*$")
# What pages call the gateway's port, that of its admin address and that of a backend.
PORTS = ("4510", "4511", "3000")
# A session's commands are short; what is slow is the AWS CLI.
PATIENCE = 120

# What a reader has by `npx wscat`: here of the installed `ws`, with the two options that the pages use.
WSCAT = """#!/usr/bin/env node
const WebSocket = require("ws");
const words = process.argv.slice(2).filter((word) => word !== "wscat" && word !== "--yes");
const of = (name) => words[words.indexOf(name) + 1];
const socket = new WebSocket(of("-c"));
socket.on("open", () => { socket.send(of("-x")); setTimeout(() => socket.close(), 1000 * Number(words.includes("-w") ? of("-w") : 2)); });
socket.on("message", (data) => console.log(`< ${data}`));
socket.on("error", (error) => { console.error(`error: ${error.message}`); process.exit(1); });
socket.on("close", () => process.exit(0));
"""

START = """set -eu -m
stay() { # PORT, then the file of commands
  bash -eu "$2" > "$2.log" 2>&1 &
  STAYING="$! ${STAYING:-}"
  for _ in $(seq 600); do
    if (exec 3<> "/dev/tcp/127.0.0.1/$1") 2> /dev/null; then return; fi
    kill -0 $! 2> /dev/null || break
    sleep 0.05
  done
  echo "nothing answers at $1:"; cat "$2.log"; return 1
}
end() { for process in ${STAYING:-}; do kill -TERM -- "-$process" 2> /dev/null || true; done; wait 2> /dev/null || true; }
trap end EXIT
"""


@dataclass
class Session:
    """What a page has a reader do, one after the other."""

    page: Path
    name: str
    # Each: what it is, its text, and what its mark says besides.
    steps: list = field(default_factory=list)


def pages():
    """Every page of Markdown that people read."""
    places = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("clients/*.md"), *ROOT.glob("examples/*/*.md"), *ROOT.glob("corpus/*/*.md")]
    return sorted(places)


def sessions(page):
    """The sessions of one page, by name."""
    found, mark, block = {}, None, None
    for line in page.read_text().splitlines():
        if block is not None:
            if line == "```":
                kind, name, rest = mark
                found.setdefault(name, Session(page, name)).steps.append((kind, "\n".join(block) + "\n", rest))
                mark, block = None, None
            else:
                block.append(line)
        elif mark and FENCE.match(line):
            block = []
        else:
            assert mark is None, f"{page}: a mark without a block behind it: {mark}"
            match = MARK.match(line)
            mark = match.groups() if match else None
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def play(session, folder, modules):
    """Does what the page says; fails with all that was printed."""
    ports = {port: str(free_port()) for port in PORTS}

    def here(text):
        return re.sub(r"\b(" + "|".join(PORTS) + r")\b", lambda match: ports[match.group()], text)

    tools = folder / ".tools"
    tools.mkdir()
    (tools / "npx").write_text(WSCAT)
    (tools / "npx").chmod(0o755)
    os.symlink(os.path.abspath(os.environ["GATEWRIGHT_BIN"]), tools / "gatewright")
    script, expected = [START], []
    for number, (kind, text, rest) in enumerate(session.steps):
        if kind == "file":
            script.append(f"mkdir -p $(dirname {shlex.quote(rest)})\ncat > {shlex.quote(rest)} <<'END OF FILE'\n{here(text)}END OF FILE\n")
        elif kind == "run" and rest:
            (tools / f"{number}.sh").write_text(here(text))
            script.append(f"stay {here(rest.removeprefix('stays '))} .tools/{number}.sh\n")
        elif kind == "run":
            script.append(f"echo '[block {number}]'\n{here(text)}")
            expected.append((number, []))
        else:
            expected[-1][1].extend(line for line in here(text).splitlines() if line.strip())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GATEWRIGHT_"))}
    environment.update(
        PATH=f"{tools}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        NODE_PATH=str(modules),
        GATEWRIGHT_LISTEN=f"127.0.0.1:{ports['4510']}",
        GATEWRIGHT_ENDPOINT=f"http://127.0.0.1:{ports['4510']}",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_PAGER="",
    )
    (tools / "session.sh").write_text("\n".join(script))
    done = subprocess.run(
        ["bash", ".tools/session.sh"], cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    logs = "".join(f"\n--- {log.name}\n{log.read_text()}" for log in sorted(tools.glob("*.log")))
    assert done.returncode == 0, f"{session.page.name}, {session.name}:\n{done.stdout}{logs}"
    for number, lines in expected:
        printed = done.stdout.split(f"[block {number}]", 1)[1].split("\n[block ", 1)[0]
        for line in lines:
            assert line.strip() in printed, f"{session.page.name}, {session.name}: `{line}` is not in\n{printed}{logs}"


def prose(text):
    """A page without its blocks of code."""
    return re.sub(r"(?ms)^```.*?^```", "", text)


def anchors(text):
    """What links into a page may name: its headings, as GitHub and its like write them."""
    found = set(re.findall(r'<a (?:id|name)="([^"]+)"', text))
    for heading in re.findall(r"(?m)^#{1,6} +(.+?)\s*#*$", prose(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        name = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number, once = 0, name
        while once in found:
            number += 1
            once = f"{name}-{number}"
        found.add(once)
    return found


def links(text):
    """The links of a page, without those in code."""
    plain = re.sub(r"`[^`\n]*`", "``", prose(text))
    return re.findall(r"!?\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)", plain) + re.findall(r'(?:src|href)="([^"]+)"', plain)
