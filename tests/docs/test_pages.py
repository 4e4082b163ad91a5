import re
from pathlib import Path

import pytest
import yaml

from tests.docs.reference_tables import DOCS, TABLES, rendered

ROOT = DOCS.parent
PAGES = sorted(DOCS.rglob("*.md"))
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")
# Polar's template, so that each decision can be read in the same minute.
SECTIONS = ["## Context", "## Decision", "## Consequences", "## Enforced by"]
# Words that accuse, or promise what a reduction is not.
NEVER_SAID_TO_PEOPLE = ("作弊", "碳信用")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def pages_in(entries) -> set[str]:
    found: set[str] = set()
    for entry in entries:
        for target in entry.values():
            found |= {target} if isinstance(target, str) else pages_in(target)
    return found


def test_every_page_is_in_the_navigation():
    navigation = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    assert pages_in(navigation) == {path.relative_to(DOCS).as_posix() for path in PAGES}


@pytest.mark.parametrize("page", TABLES)
def test_a_made_table_is_what_the_code_says(page):
    assert (DOCS / page).read_text(encoding="utf-8") == rendered(page), (
        "run python -m tests.docs.reference_tables"
    )


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_a_decision_follows_the_template(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith(f"# {path.name[:4]} ")
    assert re.findall(r"^## .+$", text, re.MULTILINE) == SECTIONS
    assert re.search(r"^\*\*Status\*\*: (accepted|superseded by \d{4})", text, re.MULTILINE)


@pytest.mark.parametrize("path", DECISIONS, ids=name_of)
def test_a_decision_names_what_exists(path):
    enforced = path.read_text(encoding="utf-8").partition("## Enforced by")[2]
    named = re.findall(r"`((?:tests|backend|scoring|models)/[\w./-]+)`", enforced)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize(
    "path", [*(ROOT.glob("*.md")), *PAGES], ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_a_link_leads_somewhere(path):
    targets = LINK.findall(path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("word", NEVER_SAID_TO_PEOPLE)
def test_no_page_says_what_nobody_should_read(word):
    assert [name_of(path) for path in PAGES if word in path.read_text(encoding="utf-8")] == []


def test_the_readme_opens_with_the_two_commands():
    first_block = (ROOT / "README.md").read_text(encoding="utf-8").partition("```")[2]
    assert first_block.partition("```")[0].split("\n")[1:3] == ["make demo", "make test"]
