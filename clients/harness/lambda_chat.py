"""The chat of ../examples/lambda-chat, and what two people do in it: the same wherever its functions run."""

import json
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from .clients import receive

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "lambda-chat"


def ask(client, **message):
    """Says something and gives the answer."""
    client.send(json.dumps(message))
    return receive(client)


def two_people_chat(join, wait_until_printed):
    """`join` opens a connection with this query; `wait_until_printed` waits until a function has said this."""
    with join("?name=ann") as ann, join("?name=bob") as bob:
        me = ask(ann, action="whoami")
        assert me["function"] == "chat-whoami"
        you = ask(bob, action="whoami")
        assert ask(ann, action="send", to=[you["you"]], text="hello") == {"delivered": 1}
        assert receive(bob) == {"from": me["you"], "text": "hello"}
        # To all who are there, oneself among them; the answer may come before or after.
        ann.send(json.dumps({"action": "send", "to": [me["you"], you["you"]], "text": "to all"}))
        heard = [receive(ann), receive(ann)]
        assert {"delivered": 2} in heard and {"from": me["you"], "text": "to all"} in heard
        assert receive(bob) == {"from": me["you"], "text": "to all"}
    wait_until_printed(f"disconnect {you['you']} 1000")
    with join("?name=ann") as ann:
        assert ask(ann, action="send", to=[you["you"]], text="are you there?") == {"delivered": 0}


def whoever_has_no_name_is_refused(join):
    """The function of `$connect` says 401."""
    with pytest.raises(InvalidStatus) as refused:
        join("")
    assert refused.value.response.status_code == 401
