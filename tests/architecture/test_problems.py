"""Every refusal has its row, and every row its line in the reference."""

import re

from tests.architecture.source import import_backend, page

# Classes that only group others; a refusal of theirs would say nothing.
GROUPS = {"DomainError", "Refusal"}


def refusals() -> list[type]:
    from backend.errors import DomainError

    import_backend()
    found, waiting = [], [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("backend.") and kind.__name__ not in GROUPS:
            found.append(kind)
    return sorted(set(found), key=lambda kind: (kind.__module__, kind.__name__))


def table():
    from backend.http import HTTP_PROBLEMS
    from backend.problems import PROBLEMS

    return {**HTTP_PROBLEMS, **PROBLEMS}


def test_every_refusal_has_a_row():
    assert [kind.__qualname__ for kind in refusals() if kind not in table()] == []


def test_every_refusal_says_what_is_wrong():
    silent = [
        kind.__qualname__
        for kind in refusals()
        if not (kind.__doc__ or "").strip().endswith((".", "?"))
    ]
    assert silent == []


def test_no_two_meanings_share_a_slug_and_status():
    statuses: dict[str, set[int]] = {}
    for row in table().values():
        statuses.setdefault(row.slug, set()).add(row.status)
    assert {slug: found for slug, found in statuses.items() if len(found) > 1} == {}


def test_every_problem_is_in_the_reference_and_no_other():
    listed = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\d{3}) \|", page("reference/problems.md"), re.MULTILINE
    )
    assert sorted(set(listed)) == sorted({(row.slug, str(row.status)) for row in table().values()})
