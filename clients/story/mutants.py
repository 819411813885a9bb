"""Stories with one expectation broken: each must fail, at that step, or the expectation checks nothing."""

import copy

from .corpus import verb_of
from .pattern import PLACEHOLDER

# No text of any story has it.
WRONG = "≠"
WRONG_STATUS = 299
ANSWERED = ("connect", "opened", "post", "get", "delete", "http")
TEXTS = ("gets", "closed", "gets_binary", "log", "printed", "log_lines", "signed")
DETAILS = ("query", "headers", "only_headers", "header_order", "body", "hex", "reason")


def of(story):
    """Every mutant of a story, with the number of the step that is broken in it."""
    for at, step in enumerate(story.steps):
        for number, broken in enumerate(_steps(step, verb_of(step, at + 1)), 1):
            mutant = copy.copy(story)
            mutant.text = copy.deepcopy(story.text)
            mutant.steps = mutant.text["step"]
            mutant.steps[at] = broken
            mutant.name = f"{story.name}~{at + 1}.{number}"
            yield mutant, at + 1


def _steps(step, verb):
    for name, expected in step.get("expect", {}).items():
        for wrong in [WRONG_STATUS] if name == "status" else _values(expected):
            yield {**step, "expect": {**step["expect"], name: wrong}}
    if verb in ANSWERED and "expect" not in step and step.get("wait", True):
        yield {**step, "expect": {"status": WRONG_STATUS}}
    if verb == "saw":
        yield {**step, verb: "BREW " + step[verb].partition(" ")[2]}
        yield {**step, verb: step[verb] + WRONG}
    # What must not be there cannot be broken by a word that is not there either.
    for name in (*(TEXTS if not step.get("absent") else ()), *DETAILS):
        if name == verb or name in step and verb in ("saw", "closed", "signed"):
            for wrong in _values(step[name]):
                yield {**step, name: wrong}
    if "absent" in step:
        yield {**step, "absent": False}


def _values(expected):
    if isinstance(expected, bool):
        yield not expected
    elif isinstance(expected, int):
        yield expected + 1
    elif isinstance(expected, str):
        # A placeholder takes anything, so it gives way to a text; JSON stays JSON.
        whole = PLACEHOLDER.fullmatch(expected) is not None
        json = expected.startswith("{") and expected.endswith("}")
        yield WRONG if whole else '{"≠": 0}' if json else expected + WRONG
    elif isinstance(expected, list):
        for at, member in enumerate(expected):
            yield [*expected[:at], next(_values(member)), *expected[at + 1 :]]
    else:
        for name, member in expected.items():
            if name == "lacks":
                yield {**expected, name: ""}
            elif name == "one_of":
                yield {**expected, name: [WRONG]}
            else:
                for wrong in _values(member):
                    yield {**expected, name: wrong}
