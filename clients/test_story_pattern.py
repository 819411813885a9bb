"""What a story's expectations let pass, and what not."""

import pytest

from story.pattern import Mismatch, check, fill


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ("a.c", "a.c"),
        ("<x>-<x>", "1-1"),
        ("id <c:id>", "id Gto47d9-DoECGqg="),
        ("<n:number> ms", "17 ms"),
        (True, ""),
        (False, None),
        (17, "17"),
        ({"contains": ["a", "c"]}, "abc"),
        ({"lacks": "d"}, "abc"),
        ({"matches": "[a-c]+"}, "abc"),
        ({"one_of": ["x", "abc"]}, "abc"),
        ({"length": 3}, "abc"),
        ({"json": {"a": [1, "<x>"], "b": "<x>"}}, '{"b":"y","a":[1,"y"]}'),
        ({"json": '{"a": null}'}, '{"a":null}'),
        ({"json_has": {"a": {"b": 1}}}, '{"a":{"b":1,"c":2},"d":3}'),
        ({"json": {"n": "<n>"}}, '{"n":1.5}'),
        ({"json": {"a": {"json_has": {"b": 1}}}}, '{"a":"{\\"b\\":1,\\"c\\":2}"}'),
    ],
)
def test_what_fits(expected, came):
    check("it", expected, came, {})


@pytest.mark.parametrize(
    ("expected", "came"),
    [
        ("a.c", "abc"),
        ("a", "ab"),
        ("<x>-<x>", "1-2"),
        ("id <c:id>", "id Gto47d9-DoECGqg"),
        ("<n:number> ms", "x ms"),
        (True, None),
        (False, ""),
        ("", None),
        ({"contains": ["a", "d"]}, "abc"),
        ({"lacks": "b"}, "abc"),
        ({"matches": "[ab]+"}, "abc"),
        ({"one_of": ["x"]}, "abc"),
        ({"length": 2}, "abc"),
        ({"json": {"a": 1}}, '{"a":1,"b":2}'),
        ({"json": {"a": 1}}, '{"a":true}'),
        ({"json": {"a": [1]}}, '{"a":[1,2]}'),
        ({"json_has": {"a": 1}}, "{}"),
        ({"json": {}}, "no JSON"),
        ({"json": {"a": {"json_has": {"b": 1}}}}, '{"a":"{}"}'),
        ({"json": {"a": {"b": 1}}}, '{"a":"{}"}'),
        ({"contians": "a"}, "a"),
        ({}, "a"),
    ],
)
def test_what_does_not_fit(expected, came):
    with pytest.raises(Mismatch):
        check("it", expected, came, {})


def test_a_placeholder_keeps_what_it_took_only_where_the_whole_fits():
    names = {}
    with pytest.raises(Mismatch):
        check("it", "<a> b", "1 c", names)
    assert names == {}
    check("it", "<a> b", "1 b", names)
    assert fill(["<a>", {"k": "x<a>"}], names) == ["1", {"k": "x1"}]
    with pytest.raises(Mismatch):
        fill("<never taken>", names)
