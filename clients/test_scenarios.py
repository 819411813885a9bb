"""The stories of `corpus/scenarios` on the real program, and the rules that they show."""

import os
from pathlib import Path

import pytest

from story import corpus, table
from story.mutants import of as mutants_of
from story.run import Stage

STORIES = corpus.stories()
PARTS = corpus.parts()
# One of so many broken expectations is tried each time; MUTANTS=all tries every one, which takes minutes.
MUTANTS_SKIPPED = 40
# At least so many stories are there and run: a corpus that shrinks, or is left out, is a fault.
STORIES_MIN = 314
RULES_PAGE = Path(__file__).resolve().parent.parent / "docs" / "rules.md"


def off(story):
    """The parts that a story needs and the program does not have yet."""
    return [need for need in story.needs if not PARTS[need][0]]


def runs(story):
    """Whether a story runs on a program that other stories share, and goes as told."""
    return not off(story) and not story.settings.own and "known_defect" not in story.text


def as_parameter(story):
    """A story as a test of its own: left out with its reason, expected to fail with its sentence, or as it is."""
    marks = []
    if off(story):
        marks.append(pytest.mark.skip(reason=f"needs {', '.join(off(story))}"))
    elif "known_defect" in story.text:
        marks.append(pytest.mark.xfail(reason=story.text["known_defect"], strict=True))
    return pytest.param(story, id=story.name, marks=marks)


@pytest.fixture(scope="module")
def stage(request, tmp_path_factory):
    """Plays every story that was asked for, several at once."""
    stage = Stage(tmp_path_factory.mktemp("stories"))
    wanted = [item.callspec.params["story"] for item in request.session.items if "story" in getattr(item, "fixturenames", ())]
    stage.begin(story for story in wanted if not off(story))
    yield stage
    stage.end()


@pytest.mark.parametrize("story", [as_parameter(story) for story in STORIES])
def test_story(stage, story):
    stage.outcome(story)


def test_the_stories_are_all_there():
    assert sum(not off(story) for story in STORIES) >= STORIES_MIN


@pytest.mark.timeout(900)
def test_stories_can_fail(stage):
    mutants = [mutant for story in STORIES if runs(story) for mutant in mutants_of(story)]
    every = 1 if os.environ.get("MUTANTS") == "all" else MUTANTS_SKIPPED
    assert not stage.failures(mutants[::every])


def test_every_rule_has_a_story_or_a_reason():
    shown = {rule for story in STORIES for rule in story.text["rules"]}
    rules = corpus.rules()
    unknown = sorted(shown - {rule.id for rule in rules})
    assert not unknown, f"stories name rules that rules.toml does not have: {unknown}"
    missing = [rule.id for rule in rules if rule.id not in shown and not rule.why]
    assert not missing, f"rules without a story and without a reason: {missing}"


def test_every_need_is_a_part_of_the_program():
    unknown = {need for needing in (*STORIES, *corpus.rules()) for need in needing.needs} - set(PARTS)
    assert not unknown, f"needs.toml does not have {sorted(unknown)}"


def test_the_page_of_rules_is_in_step():
    page = table.made()
    if os.environ.get("UPDATE"):
        RULES_PAGE.write_text(page, "utf-8")
    assert RULES_PAGE.read_text("utf-8") == page, "UPDATE=1 pytest clients/test_scenarios.py writes docs/rules.md anew"
