"""`docs/rules.md`: each rule of the data plane, how we know it, what we do, and the stories that show it."""

from . import corpus

HEAD = """\
# The rules of the data plane

Made from `corpus/scenarios/rules.toml` and the stories beside it (`UPDATE=1 pytest clients/test_scenarios.py`); not edited by hand.

**Known**: *documented* by AWS, *observed* on AWS, *inferred* from neighbouring rules, or *ours* where AWS has nothing.
**State**: *same* as on AWS; *different* on purpose; *decision*: AWS is silent or uncertain, and this is what we chose; *not yet*.
**Stories**: the files in `corpus/scenarios` that show it on the real program, or why there is none.
"""


def state(rule, shown_by, parts):
    """What the table says of a rule: a rule whose every story waits for a part of the program is not kept yet."""
    if rule.state == "later":
        return "not yet"
    waiting = {need for need in rule.needs if not parts[need][0]}
    if not waiting and shown_by and all(any(not parts[need][0] for need in story.needs) for story in shown_by):
        waiting = {need for story in shown_by for need in story.needs if not parts[need][0]}
    if waiting:
        return f"not yet ({', '.join(sorted(waiting))})"
    return {"inferred": "decision"}.get(rule.state, rule.state)


def made():
    """The whole file."""
    stories, parts = corpus.stories(), corpus.parts()
    shown = {}
    for story in stories:
        for rule in story.text["rules"]:
            shown.setdefault(rule, []).append(story)
    lines, section, states = [], None, {}
    for rule in corpus.rules():
        top = rule.section.split(".")[0]
        if top != section:
            section = top
            lines += ["", f"## {top}. {SECTIONS[top]}", "", "| Rule | Says | Known | State | Stories |", "| --- | --- | --- | --- | --- |"]
        by = shown.get(rule.id, [])
        files = ", ".join(f"`{story.name}`" for story in by)
        said = state(rule, by, parts)
        states[said.split(" (")[0]] = states.get(said.split(" (")[0], 0) + 1
        why = rule.why if rule.why.endswith(".") or not rule.why else f"{rule.why}."
        lines.append(
            f"| {rule.id} | {_cell(rule.says)} | {rule.mark} | {said} | {_cell(' '.join(part for part in (files, why) if part))} |"
        )
    counts = ", ".join(f"{count} {name}" for name, count in sorted(states.items(), key=lambda pair: -pair[1]))
    summary = f"\n{sum(states.values())} rules: {counts}. {len(stories)} stories.\n"
    return HEAD + summary + "\n".join(lines) + "\n"


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


SECTIONS = {
    "1": "Connections",
    "2": "Selection expressions",
    "3": "Integrations: the request",
    "4": "Responses",
    "5": "Data mapping",
    "6": "Mapping templates",
    "7": "`@connections`",
    "8": "Logs and metrics",
    "9": "Quotas and throttling",
    "10": "`--compat extended` and our remarks",
}
