"""Examining a data file before anybody proposes it: every fault at once, each with what to do."""

from pathlib import Path

from scoring.methodology.calculation import calculate
from scoring.methodology.catalogue import (
    Catalogue,
    load_catalogue,
    packaged_texts,
    read_factor_sets,
    read_texts,
)
from scoring.methodology.faults import Faults
from scoring.methodology.refusals import CannotCalculate, CatalogueBroken, FieldInvalid
from scoring.methodology.version import Example, MethodologyVersion
from scoring.methodology.version_file import FactorSets, read_version


def check(path: Path, factors: Path | None = None) -> tuple[CatalogueBroken, ...]:
    """All faults of a methodology file, a factor file, or a folder of them; none is fine.

    A methodology is read against the packaged factor files and those of the folder `factors`,
    must follow the catalogue's own version of it, and must book the grams of its examples. A file
    is a factor file when it has a `[[factor]]`.

    Raises:
        OSError: the path cannot be read.
    """
    texts = read_texts(path) if path.is_dir() else {path.name: path.read_text("utf-8")}
    tables = {name: text for name, text in texts.items() if "[[factor]]" in text}
    faults = Faults()
    sets = faults.attempt(_sets, tables, factors)
    if sets is None:
        return tuple(faults.found)
    rules = [(name, text) for name, text in texts.items() if name not in tables]
    versions = faults.each(rules, lambda rule: read_version(*rule, sets))
    faults.each(versions, _rehearse)
    return tuple(faults.found)


def read_proposal(path: Path, factors: Path | None = None) -> MethodologyVersion:
    """One version from a file that is not in the catalogue, for `diff` and for simulations.

    Raises:
        CatalogueBroken: it cannot be used; all faults are attached.
        OSError: the path cannot be read.
    """
    return read_version(path.name, path.read_text("utf-8"), _sets({}, factors))


def _sets(tables: dict[str, str], factors: Path | None) -> FactorSets:
    beside = read_texts(factors) if factors else {}
    return read_factor_sets({**packaged_texts("factors"), **beside, **tables})


def _rehearse(version: MethodologyVersion) -> Catalogue:
    catalogue = load_catalogue().rehearsing(version)
    faults = Faults()
    for place, example in enumerate(version.examples, 1):
        faults.attempt(_repeat, f"{version.label}: example {place}", version, example, catalogue)
    if not version.examples:
        what = "no [[example]]"
        faults.found.append(FieldInvalid(version.label, what, "Add one, computed by hand"))
    faults.settle()
    return catalogue


def _repeat(
    where: str, version: MethodologyVersion, example: Example, catalogue: Catalogue
) -> None:
    try:
        found = calculate(
            version.methodology_id,
            example.inputs,
            on=version.valid_from,
            region=example.region,
            tier=example.tier,
            catalogue=catalogue,
        )
    except CannotCalculate as refused:
        raise FieldInvalid(where, str(refused), "Give inputs that the version counts") from refused
    if found.grams != example.grams:
        what = f"books {found.grams} g, the example says {example.grams} g"
        raise FieldInvalid(where, what, "Correct the formula, a factor or the example")
