"""AWS's services, as moto's server plays them, behind a proxy that verifies each signature with botocore's own signer."""

import hashlib
import http.client
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from moto.server import ThreadedMotoServer

from .until import PATIENCE

# The key that the program signs with, and the variables that give it.
KEY, SECRET, TOKEN = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "a/session+token=="
ENVIRONMENT = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_SESSION_TOKEN": TOKEN}

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, "
    r"SignedHeaders=(?P<names>[^,]+), Signature=(?P<signature>[0-9a-f]{64})"
)
# What STS hands out, for the proxy to know the secrets of roles.
ASSUMED = re.compile(
    r"<AccessKeyId>(?P<key>[^<]+)</AccessKeyId>\s*<SecretAccessKey>(?P<secret>[^<]+)</SecretAccessKey>"
    r"|<SessionToken>(?P<token>[^<]+)</SessionToken>"
)


class Call:
    """One request that came: of which service, signed with which key, and whether the signature is right."""

    def __init__(self, method, path, headers, body, secrets):
        self.method, self.path, self.headers, self.body = method, path, headers, body
        found = AUTHORIZATION.fullmatch(headers.get("Authorization") or "")
        self.key, self.service, self.verified = None, None, False
        if not found:
            return
        self.key, self.service = found["key"], found["service"]
        signed = {name: headers[name] for name in found["names"].split(";")}
        must = {name.lower() for name in headers if name.lower() == "host" or name.lower().startswith("x-amz-")}
        if self.key not in secrets or not must <= set(signed):
            return
        kind = S3SigV4Auth if self.service == "s3" else SigV4Auth
        signer = kind(Credentials(self.key, secrets[self.key]), self.service, found["region"])
        # As AWS does, and other than botocore does with URLs of its own making: names and values decoded, and encoded anew.
        path, _, query = path.partition("?")
        pairs = parse_qsl(query, keep_blank_values=True)
        request = AWSRequest(method=method, url=f"https://{headers['Host']}{path}", data=body, headers=signed, params=pairs)
        request.context["timestamp"] = headers["X-Amz-Date"]
        text = signer.string_to_sign(request, signer.canonical_request(request))
        hashed = headers.get("X-Amz-Content-Sha256")
        fits = hashed == hashlib.sha256(body).hexdigest() if self.service == "s3" else hashed is None
        self.verified = fits and signer.signature(text, request) == found["signature"]


class Services:
    """moto's server on a free port of loopback, at `moto`; and the proxy before it, at `url`."""

    def __init__(self, **secrets):
        self.calls, self.secrets = [], dict(secrets)
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self.server.start()
        host, port = self.server.get_host_and_port()
        self.moto = f"http://{host}:{port}"
        services = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                services.calls.append(Call(self.command, self.path, self.headers, body, services.secrets))
                onward = http.client.HTTPConnection(host, port, timeout=PATIENCE)
                onward.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    if name.lower() != "connection":
                        onward.putheader(name, value)
                onward.endheaders(body)
                answer = onward.getresponse()
                said = answer.read()
                onward.close()
                if b"<AccessKeyId>" in said:
                    parts = [match.groupdict() for match in ASSUMED.finditer(said.decode())]
                    services.secrets.update({part["key"]: part["secret"] for part in parts if part["key"]})
                self.send_response(answer.status)
                self.send_header("Content-Type", answer.getheader("Content-Type") or "text/plain")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_POST = do_PUT = forward

            def log_message(self, *_):
                pass

        self.proxy = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.proxy.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.proxy.server_address[1]}"
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()

    def stop(self):
        self.proxy.shutdown()
        self.proxy.server_close()
        self.server.stop()
