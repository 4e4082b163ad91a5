"""All versions of all methodologies, immutable, found by day, action or content hash."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from operator import attrgetter

from scoring.methodology.columns import refuse_swapped
from scoring.methodology.factor import EmissionFactor
from scoring.methodology.factor_file import read_factors, refuse_conflicts
from scoring.methodology.faults import Faults
from scoring.methodology.refusals import (
    CannotCalculate,
    CatalogueBroken,
    NotCreditable,
    NoVersion,
    ProjectNotPersonal,
    UnknownMethodology,
    UnknownVersion,
    ValidityGap,
    ValidityOverlaps,
)
from scoring.methodology.rule import Rule, compile_rule
from scoring.methodology.version import MethodologyVersion
from scoring.methodology.version_file import read_version

# A late window of 400 days in some 150 regions per methodology stays in memory; about 1 kB each.
RULES_KEPT_MAX = 65_536
_IN_ORDER = attrgetter("methodology_id", "version")


class Catalogue:
    """The versions of one deployment: those that credit, and drafts, which are only shown.

    Attributes:
        drafts: versions that no credit can name, by id and version.
    """

    def __init__(self, versions: Iterable[MethodologyVersion]) -> None:
        given = tuple(versions)
        creditable = [each for each in given if each.draft_reason is None]
        drafts = [each for each in given if each.draft_reason is not None]
        self.drafts = tuple(sorted(drafts, key=_IN_ORDER))
        self._by_hash = {version.hash: version for version in creditable}
        self._by_id: dict[str, tuple[MethodologyVersion, ...]] = {}
        for version in sorted(creditable, key=lambda version: version.valid_from):
            of_id = self._by_id.get(version.methodology_id, ())
            self._by_id[version.methodology_id] = (*of_id, version)
        self._by_action = _actions(given)
        for of_id in self._by_id.values():
            _refuse_bad_succession(of_id)
        self.rule_on = lru_cache(maxsize=RULES_KEPT_MAX)(self._rule_on)
        self.rule_of = lru_cache(maxsize=RULES_KEPT_MAX)(self._rule_of)

    def __iter__(self) -> Iterator[MethodologyVersion]:
        """Every creditable version, by id and first day."""
        return (version for name in sorted(self._by_id) for version in self._by_id[name])

    def rehearsing(self, *versions: MethodologyVersion) -> "Catalogue":
        """The catalogue as it would be if these versions, drafts or new ones, were published.

        A version of a methodology that exists ends the one before it on its first day. Nothing
        that this gives may be booked: it is for dry runs and simulations.

        Raises:
            ValidityOverlaps: its number is not higher than what it follows.
        """
        published = [replace(each, draft_reason=None) for each in versions]
        hashes = {each.hash for each in published}
        begins = {each.methodology_id: each.valid_from for each in published}
        standing = [_ended(each, begins) for each in self if each.hash not in hashes]
        rest = [each for each in self.drafts if each.hash not in hashes]
        return Catalogue([*standing, *published, *rest])

    @property
    def actions(self) -> Mapping[str, str]:
        """Methodology id by action, of what can be credited."""
        return {action: name for action, name in self._by_action.items() if name in self._by_id}

    def methodology_of(self, name: str) -> str:
        """The id behind an action; an id is given back.

        Raises:
            UnknownMethodology: neither.
            NotCreditable: only a draft of it exists.
        """
        found = self._by_action.get(name, name)
        if found not in self._by_id:
            raise self._unknown(found)
        return found

    def versions_of(self, methodology_id: str) -> tuple[MethodologyVersion, ...]:
        """All creditable versions of one methodology, oldest first.

        Raises:
            UnknownMethodology: not in the catalogue.
            NotCreditable: only a draft of it exists.
        """
        if methodology_id not in self._by_id:
            raise self._unknown(methodology_id)
        return self._by_id[methodology_id]

    def version_on(self, methodology_id: str, on: date) -> MethodologyVersion:
        """The version for activities of this Asia/Shanghai day: the last one begun by then.

        Raises:
            UnknownMethodology: not in the catalogue.
            NotCreditable: only a draft of it exists.
            NoVersion: before the first version or after the end of the last.
        """
        begun = [each for each in self.versions_of(methodology_id) if each.valid_from <= on]
        if not begun or on > (begun[-1].valid_until or date.max):
            raise NoVersion(f"{methodology_id} has no version that is valid on {on}")
        return begun[-1]

    def version_of(self, version_hash: str) -> MethodologyVersion:
        """The version with this content hash, as a stored credit names it.

        Raises:
            UnknownVersion: not in the catalogue.
        """
        if version_hash not in self._by_hash:
            raise UnknownVersion(f"no version {version_hash} in the catalogue")
        return self._by_hash[version_hash]

    def _unknown(self, name: str) -> CannotCalculate:
        for draft in self.drafts:
            if draft.methodology_id == name and draft.draft_reason is not None:
                return NotCreditable(f"{draft.label} is a draft: {draft.draft_reason['en']}")
        return UnknownMethodology(f"{name!r} is no methodology and no action of the catalogue")

    def _rule_on(self, methodology_id: str, day: date, region: str) -> Rule:
        version = self.version_on(methodology_id, day)
        if version.kind != "scene":
            raise ProjectNotPersonal(f"{version.label} is a project: it credits no person")
        return self.rule_of(version.hash, day, region)

    def _rule_of(self, version_hash: str, day: date, region: str) -> Rule:
        return compile_rule(self.version_of(version_hash), day, region)


def read_catalogue(
    methodology_files: Mapping[str, str], factor_files: Mapping[str, str]
) -> Catalogue:
    """A catalogue from the text of its files by name; a factor file's stem names its set.

    Raises:
        CatalogueBroken: any file or their combination cannot be used; all faults of the factor
            files, or else of the methodologies, are attached.
    """
    sets = read_factor_sets(factor_files)
    faults = Faults()
    versions = faults.each(
        methodology_files.items(), lambda file: read_version(file[0], file[1], sets)
    )
    faults.settle()
    return Catalogue(versions)


def read_factor_sets(factor_files: Mapping[str, str]) -> dict[str, tuple[EmissionFactor, ...]]:
    """Rows by set from the text of factor files, free of conflicts.

    Raises:
        CatalogueBroken: a row cannot be used, or two contradict each other; all are attached.
    """
    faults = Faults()
    sets = {
        name.removesuffix(".toml"): faults.attempt(read_factors, name, text) or ()
        for name, text in factor_files.items()
    }
    rows = tuple(row for of_set in sets.values() for row in of_set)
    faults.attempt(refuse_conflicts, rows)
    faults.attempt(refuse_swapped, rows)
    faults.settle()
    return sets


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The packaged catalogue, read once per process."""
    return read_catalogue(packaged_texts("catalogue"), packaged_texts("factors"))


def packaged_texts(folder: str) -> dict[str, str]:
    """Text of every TOML file of a folder of the package, by file name."""
    return read_texts(files("scoring.methodology") / folder)


def read_texts(folder: Traversable) -> dict[str, str]:
    """Text of every TOML file in a folder, by file name."""
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text("utf-8") for file in found if file.name.endswith(".toml")}


def _actions(versions: Iterable[MethodologyVersion]) -> dict[str, str]:
    actions: dict[str, str] = {}
    for version in versions:
        owner = actions.setdefault(version.action, version.methodology_id)
        if owner != version.methodology_id:
            what = f"action {version.action} belongs to {owner}"
            raise CatalogueBroken(version.label, what, "Give it an action of its own")
    return actions


def _ended(version: MethodologyVersion, begins: Mapping[str, date]) -> MethodologyVersion:
    """The version cut before the first day of its successor."""
    first_day = begins.get(version.methodology_id)
    if first_day is None or version.valid_from >= first_day:
        return version
    last_day = min(version.valid_until or date.max, first_day - timedelta(days=1))
    return replace(version, valid_until=last_day)


def _refuse_bad_succession(versions: tuple[MethodologyVersion, ...]) -> None:
    for earlier, later in pairwise(versions):
        where = later.label
        if _semver(later) <= _semver(earlier):
            what = f"its number is not above {earlier.version}, which begins earlier"
            raise ValidityOverlaps(where, what, "Give the later version the higher number")
        if later.valid_from <= (earlier.valid_until or earlier.valid_from):
            what = f"{earlier.version} is valid on {later.valid_from} too"
            raise ValidityOverlaps(where, what, "Let it begin the day after the earlier one ends")
        if (earlier.valid_until or date.max) < later.valid_from - timedelta(days=1):
            what = f"no version is valid between {earlier.valid_until} and {later.valid_from}"
            raise ValidityGap(where, what, "Let it begin the day after the earlier one ends")


def _semver(version: MethodologyVersion) -> tuple[int, ...]:
    return tuple(int(part) for part in version.version.split("."))
