import ast
from pathlib import Path
from typing import get_args

import pytest

from backend.campaigns.domain import FUND_EXHAUSTED, POINTS_QUEUED, SELF_DECLARED_EARNS_NONE
from backend.checkins import reasons
from backend.checkins.correction_reasons import CORRECTION_REASONS, PROGRAMME_REASONS
from backend.checkins.reasons import REASONS
from scoring import photo, plate
from scoring.methodology import values

FORBIDDEN_ZH = ("失败", "作弊", "违规", "造假", "CD")
FORBIDDEN_EN = ("fail", "cheat", "fraud", "fake", "invalid", "carbon credit")


def reasons_raised_by(module, exception):
    tree = ast.parse(Path(module.__file__).read_text())
    return {
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == exception
    }


def reasons_returned_by(module, function):
    tree = ast.parse(Path(module.__file__).read_text())
    [definition] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == function
    ]
    returned = [node.value for node in ast.walk(definition) if isinstance(node, ast.Return)]
    return {value.elts[1].value for value in returned} - {None}


def test_every_reason_of_the_recogniser_has_words():
    found = reasons_returned_by(plate, "decide")
    assert {"no_plate", "leftovers", "uncertain"} <= found
    assert found <= REASONS.keys()


def test_every_reason_of_an_unreadable_photo_has_words():
    found = reasons_raised_by(photo, "PhotoUnreadable")
    assert {"heic", "broken"} <= found
    assert found <= REASONS.keys()


def test_every_reason_of_a_credit_has_words():
    found = {*get_args(values.Reason), FUND_EXHAUSTED, SELF_DECLARED_EARNS_NONE}
    found.add(POINTS_QUEUED)
    assert found <= REASONS.keys()


def test_every_reason_of_a_correction_has_words():
    assert {reason.code for reason in CORRECTION_REASONS} <= REASONS.keys()
    assert REASONS.keys() >= PROGRAMME_REASONS


def test_every_code_named_here_is_in_the_catalogue():
    named = {
        value for name, value in vars(reasons).items() if name.isupper() and isinstance(value, str)
    }
    assert named <= REASONS.keys()


@pytest.mark.parametrize("reason", REASONS.values(), ids=lambda reason: reason.code)
def test_a_reason_teaches_in_both_languages_and_accuses_nobody(reason):
    chinese, english = reason.text_zh + reason.hint_zh, reason.text_en + reason.hint_en
    assert all(reason)
    assert any("一" <= letter <= "鿿" for letter in reason.text_zh)
    assert any("一" <= letter <= "鿿" for letter in reason.hint_zh)
    assert english.isascii()
    assert not [word for word in FORBIDDEN_ZH if word in chinese]
    assert not [word for word in FORBIDDEN_EN if word in english.lower()]


def test_codes_are_unique():
    listed = [*reasons._PHOTO, *reasons._PERSON, *reasons.UPLOAD_REASONS]
    listed += [*reasons._MEAL, *reasons._CREDIT, *CORRECTION_REASONS, *reasons.BAG_REASONS]
    assert len(listed) == len(REASONS)


def test_operators_can_give_the_reasons_of_the_programme_and_no_other():
    from backend.crediting.reversal_routes import ProgrammeReason

    assert set(get_args(ProgrammeReason)) == PROGRAMME_REASONS
