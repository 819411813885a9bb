"""An issuer of tokens, clients of `ws` that bring them, and APIs that ask for them."""

import json
import time

from .aws import Api
from .backend import Answer
from .clients import JS, Node


class Issuer(Node):
    """The script, and what it can be told to do."""

    def __init__(self):
        super().__init__(JS / "tokens.mjs")
        for kid, alg in [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("foreign", "ES256")]:
            self.do("key", kid=kid, alg=alg)
        self.do("publish", kids=["rsa", "ec", "ed"])
        self.port = self.do("up", port=0)["port"]
        self.url = f"http://127.0.0.1:{self.port}"

    def do(self, what, **members):
        """Has it do something and gives its answer."""
        self.type(json.dumps({"does": what, **members}))
        return json.loads(self.line())

    def token(self, kid="ec", header=None, issuer=None, **claims):
        """A token that lets in, but for what is said."""
        claims = {"iss": issuer or self.url, "aud": "chat", "exp": int(time.time()) + 600, "sub": "user-7", **claims}
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.do("sign", kid=kid, header=header or {}, claims=claims)["token"]

    def connect(self, api, query="", protocols=(), **headers):
        """What becomes of a `ws` client."""
        return self.do("connect", url=api.url + query, protocols=list(protocols), headers=headers)

    def bearing(self, api, token):
        """The same of one with a header `Authorization`: the status of its handshake, 101 where it is let in."""
        answer = self.connect(api, Authorization=f"Bearer {token}")
        return 101 if answer["opened"] else answer["status"]


def guarded(gateway, backend, issuer_url, path="/jwt", sources=()):
    """An API whose clients bring tokens; its backend hears who they are, and is asked for an echo."""
    known = {
        "integration.request.header.principal": "context.authorizer.principalId",
        "integration.request.header.plan": "context.authorizer.plan",
        "integration.request.header.level": "context.authorizer.level",
        "integration.request.header.admin": "context.authorizer.admin",
        "integration.request.header.groups": "context.authorizer.groups",
    }
    api = Api(gateway, name="jwt")
    made = api.client.create_authorizer(
        ApiId=api.id, Name="tokens", AuthorizerType="REQUEST", AuthorizerUri=f"jwt:{issuer_url}", IdentitySource=list(sources)
    )
    backend.answers[f"{path}/connect"] = accept
    connect = api.integration("HTTP_PROXY", f"{backend.url}{path}/connect", RequestParameters=known)
    api.route("$connect", connect, AuthorizationType="CUSTOM", AuthorizerId=made["AuthorizerId"])
    api.route("$default", api.integration("HTTP_PROXY", f"{backend.url}{path}/message", RequestParameters=known), two_way=True)
    api.route("$disconnect", api.integration("HTTP_PROXY", f"{backend.url}{path}/disconnect", RequestParameters=known))
    return api.deploy()


def accept(request):
    """Lets in; what a backend does that chooses the subprotocol `access_token`."""
    offered = [one.strip() for one in (request.header("Sec-WebSocket-Protocol") or "").split(",")]
    return Answer(headers=[("Sec-WebSocket-Protocol", "access_token")] if "access_token" in offered else [])
