"""Methodologies as the API shows them to anybody, with every factor and its source."""

from datetime import date, datetime
from typing import Any

import msgspec

from backend.methodologies.domain import Standing
from backend.methodologies.wording import Language, cap_words, formula_words, quantity_words
from scoring.methodology import MethodologyVersion, Tier
from scoring.methodology.factor import EmissionFactor
from scoring.methodology.quantities import quantity_of


class SourceAnswer(msgspec.Struct, kw_only=True):
    """The document that a factor stands on; `seen_at` is the copy that was read, if another."""

    issuer: str
    title: str
    number: str
    url: str
    seen_at: str


class FactorAnswer(msgspec.Struct, kw_only=True):
    """One factor row: an exact decimal in `unit`, used from `valid_from` where it is published."""

    id: str
    key: str
    value: str
    unit: str
    gas_basis: str
    gwp_set: str
    region: str
    data_year: int
    published_on: date
    valid_from: date
    valid_until: date | None
    status: str
    locator: str
    derivation: str
    source: SourceAnswer


class CapAnswer(msgspec.Struct, kw_only=True):
    """Most of one quantity that one person is credited for in a period, in base units."""

    quantity: str
    most: int
    unit: str
    unit_name: str
    per: str | None
    text: str
    reason: str


class ExampleAnswer(msgspec.Struct, kw_only=True):
    """A worked example, computed by hand."""

    inputs: dict[str, Any]
    region: str
    tier: str
    arithmetic: str
    grams: int


class VersionAnswer(msgspec.Struct, kw_only=True):
    """One version of a methodology; `hash` is its identity, and every credit names it.

    `is_open` says whether activities of its days are newly credited by it.
    """

    version: str
    hash: str
    previous_hash: str | None
    status: str
    is_open: bool
    valid_from: date
    valid_until: date | None
    published_at: datetime | None
    grace_until: date | None
    review_due: date
    period: str
    late_window_hours: int
    gas_basis: str
    quantities: dict[str, str]
    formula: list[str]
    multipliers: dict[str, str]
    evidence: dict[str, list[str]]
    applies: str
    baseline: str
    project: str
    caps: list[CapAnswer]
    factors: list[FactorAnswer]
    examples: list[ExampleAnswer]


class MethodologySummary(msgspec.Struct, kw_only=True):
    """One methodology in the list: the version that counts on today's activities, if there is one.

    `status` is that of this version, else of the newest one.
    """

    id: str
    action: str
    title: str
    kind: str
    status: str
    version: str
    hash: str
    valid_from: date
    review_due: date
    versions: int


class MethodologyPage(msgspec.Struct, kw_only=True):
    """One page of methodologies by id."""

    items: list[MethodologySummary]
    next_cursor: str | None


class MethodologyAnswer(msgspec.Struct, kw_only=True):
    """One methodology with its versions, newest first."""

    id: str
    action: str
    title: str
    kind: str
    versions: list[VersionAnswer]


def render_version(
    version: MethodologyVersion, standing: Standing, *, is_open: bool, language: Language
) -> VersionAnswer:
    """A version with all that it says, in one language."""
    narrative = version.narrative
    return VersionAnswer(
        version=version.version,
        hash=version.hash,
        previous_hash=standing.previous_hash,
        status=standing.status,
        is_open=is_open,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        published_at=standing.published_at,
        grace_until=standing.grace_until,
        review_due=version.review_due,
        period=version.period,
        late_window_hours=version.late_window_hours,
        gas_basis=version.gas_basis,
        quantities={
            each.quantity: quantity_words(each.quantity, language) for each in version.formulas
        },
        formula=formula_words(version, language),
        multipliers={str(tier): version.multipliers[tier] for tier in Tier},
        evidence={str(tier): list(version.evidence[tier]) for tier in Tier},
        applies=narrative[f"applies_{language}"],
        baseline=narrative[f"baseline_{language}"],
        project=narrative[f"project_{language}"],
        caps=_caps(version, language),
        factors=[_factor(row) for _, row in sorted(version.factors.items())],
        examples=[
            ExampleAnswer(
                inputs=dict(each.inputs),
                region=each.region,
                tier=str(each.tier),
                arithmetic=each.arithmetic,
                grams=each.grams,
            )
            for each in version.examples
        ],
    )


def _caps(version: MethodologyVersion, language: Language) -> list[CapAnswer]:
    return [
        CapAnswer(
            quantity=cap.quantity,
            most=cap.most,
            unit=quantity_of(cap.quantity).unit,
            unit_name=quantity_words(cap.quantity, language),
            per=cap.per or None,
            text=cap_words(cap, version.period, language),
            reason=cap.reason,
        )
        for cap in version.caps.values()
    ]


def _factor(row: EmissionFactor) -> FactorAnswer:
    return FactorAnswer(
        id=row.id,
        key=row.key,
        value=row.value,
        unit=f"{row.numerator}/{row.denominator}",
        gas_basis=row.gas_basis,
        gwp_set=row.gwp_set,
        region=row.region,
        data_year=row.data_year,
        published_on=row.published_on,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        status=row.status,
        locator=row.locator,
        derivation=row.derivation,
        source=SourceAnswer(
            issuer=row.source.issuer,
            title=row.source.title,
            number=row.source.number,
            url=row.source.url,
            seen_at=row.source.seen_at,
        ),
    )
