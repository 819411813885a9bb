"""The documents: what they have a reader type works, what they link to is there, and their recipes give what they say."""

import json
import os
import subprocess
from urllib.parse import unquote

import pytest

from harness.clients import node_modules
from harness.documents import ROOT, anchors, links, pages, play, sessions

PLAYED = [(page, name) for page in pages() for name in sessions(page)]
RECIPES = sorted((ROOT / "docs" / "recipes").glob("*.json"))


@pytest.mark.parametrize(("page", "name"), PLAYED, ids=[f"{page.stem}-{name}" for page, name in PLAYED])
def test_what_a_page_has_a_reader_type_works(page, name, tmp_path):
    play(sessions(page)[name], tmp_path, node_modules())


def test_the_start_is_played_in_each_of_its_three_ways():
    assert {"backend", "function", "template"} <= {name for page, name in PLAYED if page.name == "start.md"}


@pytest.mark.parametrize("page", pages(), ids=[str(page.relative_to(ROOT)) for page in pages()])
def test_what_a_page_links_to_is_there(page):
    text, wrong = page.read_text(), []
    for link in links(text):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        target = (page.parent / unquote(path)).resolve() if path else page
        if not target.exists():
            wrong.append(f"{link}: there is no such file")
        elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
            wrong.append(f"{link}: {target.name} has no such heading; it has {sorted(anchors(target.read_text()))}")
    assert not wrong, "\n".join(wrong)


def test_a_link_that_leads_nowhere_is_found():
    text = "# A heading, `code` & more\n\n## Twice\n\n## Twice\n\n```\n# none\n[no](none.md)\n```\n[a](x.md#y) `[b](z.md)` ![c](c.svg)\n"
    assert links(text) == ["x.md#y", "c.svg"]
    assert anchors(text) == {"a-heading-code--more", "twice", "twice-1"}


def test_the_index_leads_to_every_page_of_the_documents():
    index = (ROOT / "docs" / "README.md").read_text()
    named = {link.partition("#")[0] for link in links(index)}
    missing = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md" and page.name not in named]
    assert not missing, missing


def test_there_are_twenty_recipes_and_the_page_shows_each():
    page = (ROOT / "docs" / "mapping-templates.md").read_text()
    assert len(RECIPES) >= 20
    for recipe in RECIPES:
        case = json.loads(recipe.read_text())
        shown = "\n".join(case["template"])
        assert shown in page, f"{recipe.name}: the page does not show\n{shown}"
        assert f"### {case['title']}\n" in page, f"{recipe.name}: the page has no heading {case['title']}"


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.stem for recipe in RECIPES])
def test_a_recipe_gives_what_it_says(recipe, tmp_path):
    case = json.loads(recipe.read_text())
    template = tmp_path / "body.vtl"
    template.write_text("\n".join(case["template"]))
    for number, example in enumerate(case["examples"]):
        words = ["render", "--template", str(template)]
        if "message" in example:
            words += ["--body-text", example["message"]]
        for member, option in (("context", "--context"), ("stageVariables", "--stage-variables"), ("params", "--params")):
            if member in example:
                file = tmp_path / f"{number}-{member}.json"
                file.write_text(json.dumps(example[member]))
                words += [option, str(file)]
        done = subprocess.run([os.environ["GATEWRIGHT_BIN"], *words], capture_output=True, text=True, timeout=20, check=False)
        if "fails" in example:
            assert done.returncode == 65 and example["fails"] in done.stderr, f"{example}: {done}"
            continue
        assert done.returncode == 0, f"{example}: {done.stderr}"
        if "json" in example:
            assert json.loads(done.stdout) == example["json"], example
        else:
            assert done.stdout == example["gives"], example
