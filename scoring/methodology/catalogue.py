"""All versions of all methodologies, immutable, found by day, action or content hash."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise

from scoring.methodology.factor import read_factors, refuse_conflicts
from scoring.methodology.refusals import (
    CatalogueBroken,
    NoVersion,
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


class Catalogue:
    """The published versions of one deployment."""

    def __init__(self, versions: tuple[MethodologyVersion, ...]) -> None:
        self._by_hash = {version.hash: version for version in versions}
        self._by_id: dict[str, tuple[MethodologyVersion, ...]] = {}
        for version in sorted(versions, key=lambda version: version.valid_from):
            of_id = self._by_id.get(version.methodology_id, ())
            self._by_id[version.methodology_id] = (*of_id, version)
        self._by_action = _actions(self._by_id)
        for of_id in self._by_id.values():
            _refuse_bad_succession(of_id)
        self.rule_on = lru_cache(maxsize=RULES_KEPT_MAX)(self._rule_on)
        self.rule_of = lru_cache(maxsize=RULES_KEPT_MAX)(self._rule_of)

    def __iter__(self) -> Iterator[MethodologyVersion]:
        """Every version, by id and first day."""
        return (version for name in sorted(self._by_id) for version in self._by_id[name])

    @property
    def actions(self) -> Mapping[str, str]:
        """Methodology id by action."""
        return dict(self._by_action)

    def methodology_of(self, name: str) -> str:
        """The id behind an action; an id is given back.

        Raises:
            UnknownMethodology: neither.
        """
        if name in self._by_id:
            return name
        if name not in self._by_action:
            raise UnknownMethodology(f"{name!r} is no methodology and no action of the catalogue")
        return self._by_action[name]

    def versions_of(self, methodology_id: str) -> tuple[MethodologyVersion, ...]:
        """All versions of one methodology, oldest first.

        Raises:
            UnknownMethodology: not in the catalogue.
        """
        if methodology_id not in self._by_id:
            raise UnknownMethodology(f"{methodology_id!r} is not in the catalogue")
        return self._by_id[methodology_id]

    def version_on(self, methodology_id: str, on: date) -> MethodologyVersion:
        """The version for activities of this Asia/Shanghai day: the last one begun by then.

        Raises:
            UnknownMethodology: not in the catalogue.
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

    def _rule_on(self, methodology_id: str, day: date, region: str) -> Rule:
        return self.rule_of(self.version_on(methodology_id, day).hash, day, region)

    def _rule_of(self, version_hash: str, day: date, region: str) -> Rule:
        return compile_rule(self.version_of(version_hash), day, region)


def read_catalogue(
    methodology_files: Mapping[str, str], factor_files: Mapping[str, str]
) -> Catalogue:
    """A catalogue from the text of its files by name; a factor file's stem names its set.

    Raises:
        CatalogueBroken: any file or their combination cannot be used.
    """
    sets = {
        name.removesuffix(".toml"): read_factors(name, text) for name, text in factor_files.items()
    }
    refuse_conflicts(tuple(row for rows in sets.values() for row in rows))
    return Catalogue(
        tuple(read_version(name, text, sets) for name, text in methodology_files.items())
    )


@lru_cache(maxsize=1)
def load_catalogue() -> Catalogue:
    """The packaged catalogue, read once per process."""
    package = files("scoring.methodology")
    return read_catalogue(read_texts(package / "catalogue"), read_texts(package / "factors"))


def read_texts(folder: Traversable) -> dict[str, str]:
    """Text of every TOML file in a folder, by file name."""
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return {file.name: file.read_text("utf-8") for file in found if file.name.endswith(".toml")}


def _actions(by_id: Mapping[str, tuple[MethodologyVersion, ...]]) -> dict[str, str]:
    actions: dict[str, str] = {}
    for name, versions in by_id.items():
        for version in versions:
            if actions.setdefault(version.action, name) != name:
                raise CatalogueBroken(f"{name}: action {version.action} is taken")
    return actions


def _refuse_bad_succession(versions: tuple[MethodologyVersion, ...]) -> None:
    for earlier, later in pairwise(versions):
        where = f"{later.methodology_id} {later.version}"
        if _semver(later) <= _semver(earlier):
            raise ValidityOverlaps(f"{where}: a later version needs a higher number")
        if later.valid_from <= (earlier.valid_until or earlier.valid_from):
            raise ValidityOverlaps(f"{where}: begins while {earlier.version} is valid")
        if (earlier.valid_until or date.max) < later.valid_from - timedelta(days=1):
            raise ValidityGap(f"{where}: days without a version since {earlier.valid_until}")


def _semver(version: MethodologyVersion) -> tuple[int, ...]:
    return tuple(int(part) for part in version.version.split("."))
