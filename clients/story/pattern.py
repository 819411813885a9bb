"""What a story expects, held against what came: texts with placeholders, parts, patterns, JSON.

A placeholder `<name>` takes whatever stands there when it is first met, and from then on stands for exactly that.
`<name:kind>` takes only what has the form `kind`.
"""

import json
import re

PLACEHOLDER = re.compile(r"<([a-z][a-zA-Z0-9$._/ -]*)(?::([a-z]+))?>")
KINDS = {
    "id": r"[A-Za-z0-9_-]{15}=",
    "number": r"-?\d+",
    "word": r"\S+",
    "hex": r"[0-9a-f]+",
    "iso": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "clf": r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000",
}
OPERATORS = {"contains", "lacks", "matches", "one_of", "json", "json_has", "length"}


class Mismatch(Exception):
    """Something else came than was expected; the text says both."""

    def __init__(self, what, expected, came):
        super().__init__(f"{what}\n  expected: {_short(expected)}\n  came:     {_short(came)}")


def _short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 2000 else f"{text[:2000]}… ({len(text)} characters)"


def fill(value, names):
    """Puts what is known in the place of placeholders, in every text of a value; an unknown one is the story's mistake."""
    if isinstance(value, dict):
        return {fill(key, names): fill(member, names) for key, member in value.items()}
    if isinstance(value, list):
        return [fill(member, names) for member in value]
    if not isinstance(value, str):
        return value

    def known(found):
        if found.group(1) not in names:
            raise Mismatch(f"the story uses <{found.group(1)}> before anything was taken into it", f"one of {sorted(names)}", value)
        return str(names[found.group(1)])

    return PLACEHOLDER.sub(known, value)


def _regex(text, names):
    """The regular expression of a text with placeholders, and the group of each name that it would take."""
    out, groups, at = [], {}, 0
    for found in PLACEHOLDER.finditer(text):
        name, kind = found.group(1), found.group(2)
        out.append(re.escape(text[at : found.start()]))
        at = found.end()
        if name in names:
            out.append(re.escape(str(names[name])))
        elif name in groups:
            out.append(f"(?P={groups[name]})")
        else:
            if kind is not None and kind not in KINDS:
                raise Mismatch(f"the story names an unknown kind in <{name}:{kind}>", f"one of {sorted(KINDS)}", kind)
            groups[name] = f"g{len(groups)}"
            out.append(f"(?P<{groups[name]}>{KINDS.get(kind, '.*?')})")
    out.append(re.escape(text[at:]))
    return "".join(out), groups


def _match(text, came, names, whole):
    pattern, groups = _regex(text, names)
    found = (re.fullmatch if whole else re.search)(pattern, came, re.DOTALL)
    if found is None:
        return False
    names.update({name: found.group(group) for name, group in groups.items()})
    return True


def fits(text, came, names, whole=True):
    """Whether a text with placeholders fits; takes what its placeholders met only if so."""
    return _match(text, came, names, whole)


def check(what, expected, came, names):
    """Holds a text that came (None: nothing did) against what a story expects of it.

    A string must fit whole; `true` takes anything, `false` wants nothing; a table holds operators, all of which must hold.
    """
    if isinstance(expected, bool):
        if expected != (came is not None):
            raise Mismatch(what, "anything" if expected else "nothing", came)
        return
    if came is None:
        raise Mismatch(what, expected, "nothing")
    if isinstance(expected, (int, float)):
        expected = str(expected)
    if isinstance(expected, str):
        if not _match(expected, came, names, True):
            raise Mismatch(what, _known(expected, names), came)
        return
    if not isinstance(expected, dict) or not set(expected) <= OPERATORS or not expected:
        raise Mismatch(f"{what}: the story's expectation cannot be read", f"a text or a table of {sorted(OPERATORS)}", expected)
    for operator, operand in expected.items():
        _operate(f"{what}, {operator}", operator, operand, came, names)


def _known(text, names):
    return PLACEHOLDER.sub(lambda found: str(names.get(found.group(1), found.group(0))), text)


def _operate(what, operator, operand, came, names):
    if operator == "contains":
        for part in operand if isinstance(operand, list) else [operand]:
            if not _match(part, came, names, False):
                raise Mismatch(what, _known(part, names), came)
    elif operator == "lacks":
        for part in operand if isinstance(operand, list) else [operand]:
            if _match(part, came, dict(names), False):
                raise Mismatch(what, f"not {_known(part, names)}", came)
    elif operator == "matches":
        if re.fullmatch(operand, came, re.DOTALL) is None:
            raise Mismatch(what, operand, came)
    elif operator == "one_of":
        if came not in fill(operand, names):
            raise Mismatch(what, operand, came)
    elif operator == "length":
        if len(came) != operand:
            raise Mismatch(what, operand, len(came))
    else:
        try:
            value = json.loads(came)
        except ValueError:
            raise Mismatch(what, "JSON", came) from None
        wanted = json.loads(operand) if isinstance(operand, str) else operand
        check_json(what, wanted, value, names, exactly=operator == "json")


def _is_operators(expected):
    return isinstance(expected, dict) and bool(expected) and set(expected) <= OPERATORS


def check_json(what, expected, came, names, exactly=True):
    """Holds a JSON value against an expected one; texts may hold placeholders, and be held against operators;
    inexactly, objects may have more members."""
    if isinstance(expected, dict) and isinstance(came, dict):
        more = set(came) - set(expected)
        if exactly and more:
            raise Mismatch(f"{what}: members that were not expected", sorted(expected), sorted(came))
        for name, member in expected.items():
            if name not in came:
                raise Mismatch(f"{what}: no member {name}", expected, came)
            check_json(f"{what}.{name}", member, came[name], names, exactly)
    elif isinstance(expected, list) and isinstance(came, list):
        if len(expected) != len(came):
            raise Mismatch(f"{what}: number of elements", expected, came)
        for at, (one, other) in enumerate(zip(expected, came, strict=True)):
            check_json(f"{what}[{at}]", one, other, names, exactly)
    elif isinstance(came, str) and (isinstance(expected, str) or _is_operators(expected)):
        check(what, expected, came, names)
    elif isinstance(expected, str) and isinstance(came, (int, float)) and PLACEHOLDER.fullmatch(expected):
        # A number that a placeholder takes.
        check(what, expected, json.dumps(came), names)
    elif expected != came or isinstance(expected, bool) != isinstance(came, bool):
        raise Mismatch(what, expected, came)
