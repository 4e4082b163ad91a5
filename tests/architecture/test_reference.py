"""What operators look up is complete: settings, events, steps, tables, recogniser's reasons."""

import re

from tests.architecture.source import ROOT, import_backend, page


def test_every_setting_is_in_the_reference_and_no_other():
    from backend.settings import Settings

    names = {f"TANHUI_{name.upper()}" for name in Settings.__dataclass_fields__}
    names = names - {"TANHUI_MODEL_PATH"} | {"TANHUI_MODEL"}
    listed = re.findall(r"^\| `(TANHUI_[A-Z_]+)` \|", page("reference/settings.md"), re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_every_event_and_its_steps_are_in_the_reference():
    from backend.events import STEPS_OF

    listed = re.findall(
        r"^\| `([A-Z][A-Za-z]+)` \| ([^|]*) \|", page("reference/events.md"), re.MULTILINE
    )
    expected = {
        event: ", ".join(f"`{step}`" for step in steps) for event, steps in STEPS_OF.items()
    }
    assert {event: steps.strip() for event, steps in listed} == expected


def test_the_glossary_names_every_table():
    import_backend()
    from backend.db import metadata

    glossary = page("glossary.md")
    assert [name for name in sorted(metadata.tables) if f"`{name}`" not in glossary] == []


def test_every_reason_of_the_recogniser_has_its_words():
    from backend.checkins.reasons import REASONS

    source = (ROOT / "scoring/plate.py").read_text(encoding="utf-8")
    given = set(re.findall(r'return "(?:rejected|in_review)", "([a-z_]+)"', source))
    assert given
    assert given - REASONS.keys() == set()


def test_every_refusal_of_the_library_is_in_the_reference():
    from scoring.methodology import CannotCalculate

    codes = {kind.code for kind in CannotCalculate.__subclasses__()}
    listed = page("reference/reasons.md")
    assert sorted(code for code in codes if f"`{code}`" not in listed) == []


def test_every_methodology_is_in_the_reference():
    reference = page("reference/methodologies.md")
    files = (ROOT / "scoring/methodology/catalogue").glob("*.toml")
    ids = sorted({path.stem.partition("_v")[0] for path in files})
    assert ids
    assert [name for name in ids if f"`{name}`" not in reference] == []


def test_every_purpose_of_a_transfer_is_in_the_reference():
    from backend.ledger.domain import Purpose

    reference = page("reference/ledger.md")
    assert [purpose for purpose in Purpose if f"| `{purpose}` |" not in reference] == []


def test_the_architecture_page_names_every_room():
    rooms = {name.split(".")[1] for name in import_backend()}
    listed = page("architecture.md")
    assert [name for name in sorted(rooms) if f"`{name}`" not in listed] == []
