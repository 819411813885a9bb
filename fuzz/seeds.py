"""Writes the first inputs of each fuzz target into corpus/, made of the repository's own corpora: python3 fuzz/seeds.py"""

import hashlib
import json
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE.parent / "corpus"
# As the targets have it: what stands between the parts of an input, and the longest input worth starting from.
BETWEEN = "\0"
BYTES_MAX = 4096
HEADS = [
    "GET /dev?token=%ff&&a=b+c HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: a, b\r\n\r\n",
    "POST http://h/v2/apis HTTP/1.1\nHost: h\nContent-Length: 5\n\nhello",
]
PROXY_HEADS = [
    b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\nGET /",
    b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
    b"PROXY UNKNOWN ffff::1\r\n",
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x14\xc0\x00\x02\x07\x0a\x00\x00\x01\x00\x50\x01\xbb\x20\x00\x05\x01\x00\x00\x00\x00",
    b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00GET /",
]
ADDRESSES = [
    "abc.execute-api.localhost\0/prod/@connections/Gto47d9-DoECGqg%3D",
    "ws.example.com:443\0/chat/@connections",
    "127.0.0.1:4510\0/_aws/execute-api/abc/prod/@connections/Gto47d9-DoECGqg=",
    "a.example.com\0/chat/deeper/%2f?x",
]


def lines(*names):
    for name in names:
        for line in (CORPUS / name).read_text().splitlines():
            if line.strip():
                yield json.loads(line)


def frames():
    """Frames of the protocol's cases, masked with zeros, behind the two bytes that say bounds and cuts."""
    for case in lines("autobahn/cases.jsonl"):
        data = b""
        for step in case["send"]:
            if "opcode" in step:
                payload = step.get("text", "").encode() or bytes.fromhex(step.get("hex", ""))
                payload = (payload * step.get("times", 1))[:140]
                size = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
                data += bytes([step.get("fin", True) << 7 | step.get("rsv", 0) << 4 | step["opcode"]]) + size + bytes(4) + payload
        for form in (b"\0\x05", b"\3\x10"):
            yield form + data


def answers():
    """What servers send, behind the two bytes that say how it was asked for and how it is cut."""
    for row in lines("backends/servers.jsonl"):
        sent = "".join(piece for piece in row["sends"] if isinstance(piece, str)).encode()
        yield bytes([(row["method"] == "HEAD") | 2 * row.get("closes", False), 7]) + sent


def texts():
    templates = ["vtl/cases.jsonl", "vtl/velocity.jsonl", "vtl/aws-recorded.jsonl", "vtl/found.jsonl"]
    paths = ["jsonpath/cases.jsonl", "jsonpath/oddities.jsonl", "jsonpath/found.jsonl"]
    for case in lines(*templates):
        body = case.get("input", {}).get("body")
        yield "template_parse_render", case["template"] if body is None else case["template"] + BETWEEN + body
        if body:
            yield "json_body", body
    for case in lines(*paths):
        yield "jsonpath", case["path"] + BETWEEN + case["doc"]
        yield "json_body", case["doc"]


def calls():
    """Requests that clients signed, and policy documents."""
    for request in json.loads((CORPUS / "sigv4/sdk-requests.json").read_text())["requests"]:
        headers = "".join(f"\n{name}: {value}" for name, value in request["headers"].items())
        yield "signature", f"{request['method']} {request['target']}{headers}\n\n{request['body']}"
    for name in ("conditions", "logic", "tools"):
        for case in tomllib.loads((CORPUS / f"policies/{name}.toml").read_text())["case"]:
            for document in case.get("documents", []):
                yield "policy", document
    key = '[[access_key]]\nid = "AKID"\nsecret = "s3same"\nuser = "ann"\npolicies = ["push.json"]\n'
    yield "credentials", key


def templates():
    """Templates, small ones of the cases and large ones in pieces that are templates still."""
    scaffold = (CORPUS / "iac/intrinsics/scaffold.yaml").read_text()
    yield "stack_template", scaffold
    for case in tomllib.loads((CORPUS / "iac/intrinsics/values.toml").read_text())["case"]:
        value = case["value"].replace("\n", "\n    ")
        yield "stack_template", f"{scaffold}Outputs:\n  A:\n    Value: {value}\n"
    for name, what in (("reading", "text"), ("templates", "template")):
        for case in tomllib.loads((CORPUS / f"iac/intrinsics/{name}.toml").read_text())["case"]:
            yield "stack_template", case[what]
    for path in sorted((CORPUS / "iac").glob("0*")):
        if path.suffix == ".yaml":
            yield "stack_template", path.read_text()


def main():
    inputs = [(target, text.encode("utf-8", "surrogatepass")) for target, text in (*texts(), *calls(), *templates())]
    inputs += [("client_frames", data) for data in frames()]
    inputs += [("backend_answer", data) for data in answers()]
    inputs += [("request_head", head.encode()) for head in HEADS] + [("addresses", text.encode()) for text in ADDRESSES]
    inputs += [("proxy_head", head) for head in PROXY_HEADS]
    for target, data in inputs:
        if len(data) <= BYTES_MAX:
            folder = HERE / "corpus" / target
            folder.mkdir(parents=True, exist_ok=True)
            (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)


main()
