"""What pledges and certificates take and answer on the wire."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.trees.domain import TREES_PLEDGED_MAX, PledgeKind
from backend.units import REGION_PATTERN

AMOUNT_FEN_MAX = 100_000_000  # a million yuan; larger gifts are contracts

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Holder = Annotated[str, msgspec.Meta(min_length=1, max_length=60, pattern=r"\S")]
Region = Annotated[str, msgspec.Meta(pattern=REGION_PATTERN, description="GB/T 2260, six digits")]
Trees = Annotated[int, msgspec.Meta(ge=1, le=TREES_PLEDGED_MAX)]


class TreeProjectBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A place where a partner plants what members pledge."""

    partner_id: UUID
    name_zh: Name
    name_en: Name
    region: Region


class TreeProjectAnswer(msgspec.Struct, kw_only=True):
    """A project."""

    id: UUID
    partner_id: UUID
    name_zh: str
    name_en: str
    region: str
    created_at: datetime


class TreeProjectPage(msgspec.Struct, kw_only=True):
    """One page of projects, newest first."""

    items: list[TreeProjectAnswer]
    next_cursor: str | None


class PledgeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What a member promises. Of `name` only the first character and a keyed hash are kept."""

    project_id: UUID
    kind: PledgeKind
    trees: Trees
    name: Holder
    amount_fen: Annotated[int, msgspec.Meta(ge=1, le=AMOUNT_FEN_MAX)] | None = None


class PledgeAnswer(msgspec.Struct, kw_only=True):
    """A pledge; `fulfilled` of its trees are planted and certified."""

    id: UUID
    project_id: UUID
    kind: PledgeKind
    trees: int
    amount_fen: int | None
    fulfilled: int
    pledged_at: datetime


class PledgePage(msgspec.Struct, kw_only=True):
    """One page of pledges."""

    items: list[PledgeAnswer]
    next_cursor: str | None


class FulfilmentBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Trees in the ground; `planting` is the partner's own name for them, used once."""

    planting: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    plot: Name
    species: Name
    trees: Trees
    planted_on: date


class CertificateAnswer(msgspec.Struct, kw_only=True):
    """A certificate as its holder and the partner see it; `alive` is what was not found dead."""

    id: UUID
    number: str
    kind: PledgeKind
    project_zh: str
    project_en: str
    region: str
    planting: str
    plot: str
    species: str
    trees: int
    alive: int
    planted_on: date
    recorded_at: datetime


class CertificatePage(msgspec.Struct, kw_only=True):
    """One page of certificates, newest first."""

    items: list[CertificateAnswer]
    next_cursor: str | None


class PublicCertificate(msgspec.Struct, kw_only=True):
    """What anybody may know of a certificate: of its holder the first character of the name."""

    number: str
    holder_initial: str | None
    kind: PledgeKind
    project_zh: str
    project_en: str
    region: str
    species: str
    trees: int
    alive: int
    planted_on: date


class DeathsBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Trees of a planting that were found dead on a day."""

    trees: Trees
    seen_on: date


class PrintBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The name to print; it must be the one that the pledge was made for."""

    name: Holder


def render_certificate(row: Row[Any]) -> CertificateAnswer:
    """A certificate for its holder."""
    public = _shown(row)
    return CertificateAnswer(
        **public,
        id=row.id,
        planting=row.planting,
        plot=row.plot,
        recorded_at=row.recorded_at,
    )


def render_public(row: Row[Any]) -> PublicCertificate:
    """A certificate for everybody."""
    return PublicCertificate(**_shown(row), holder_initial=row.initial)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": row.number,
        "kind": row.kind,
        "project_zh": row.name_zh,
        "project_en": row.name_en,
        "region": row.region,
        "species": row.species,
        "trees": row.trees,
        "alive": row.trees - row.dead,
        "planted_on": row.planted_on,
    }
