"""What a trace answers on the wire: nothing that names a person or an exact place."""

from collections.abc import Sequence
from datetime import date

import msgspec

from backend.marine.domain import LossReason, Stage
from backend.marine.trace import Passage, Product, WayStep, city_of, is_withheld, passages_of
from backend.units import shanghai_day
from scoring.methodology.regions import region_named


class RegionAnswer(msgspec.Struct, kw_only=True):
    """A prefecture by code and name."""

    code: str
    name_zh: str
    name_en: str


class LossAnswer(msgspec.Struct, kw_only=True):
    """Grams that left the way, and why."""

    reason: LossReason
    mass_g: int


class PassageAnswer(msgspec.Struct, kw_only=True):
    """What happened at one stage; `first` and `last` are days, or months when masses are null."""

    stage: Stage
    kind: str
    regions: list[RegionAnswer]
    first: str
    last: str
    taken_g: int | None
    made_g: int | None
    losses: list[LossAnswer] | None


class TraceAnswer(msgspec.Struct, kw_only=True):
    """The way of a product lot; `is_withheld` says that few people took part."""

    code: str
    mass_g: int | None
    made_on: str
    region: RegionAnswer
    is_withheld: bool
    passages: list[PassageAnswer]


def render_trace(product: Product, steps: Sequence[WayStep]) -> TraceAnswer:
    """The trace as everybody may read it."""
    hidden, made_on = is_withheld(steps), shanghai_day(product.formed_at)
    return TraceAnswer(
        code=product.code,
        mass_g=None if hidden else product.mass_g,
        made_on=f"{made_on:%Y-%m}" if hidden else made_on.isoformat(),
        region=_region(city_of(product.region), made_on),
        is_withheld=hidden,
        passages=[_passage(each, made_on) for each in passages_of(steps)],
    )


def _passage(passage: Passage, on: date) -> PassageAnswer:
    losses = passage.losses
    return PassageAnswer(
        stage=passage.stage,  # type: ignore[arg-type]  # the table's check holds the words
        kind=passage.kind,
        regions=[_region(code, on) for code in passage.cities],
        first=passage.first,
        last=passage.last,
        taken_g=passage.taken_g,
        made_g=passage.made_g,
        losses=None
        if losses is None
        else [LossAnswer(reason=reason, mass_g=mass_g) for reason, mass_g in losses],  # type: ignore[arg-type]
    )


def _region(code: str, on: date) -> RegionAnswer:
    """Province and prefecture as they were named on the day; a code without a name stays a code."""
    around = (f"{code[:2]}0000", code)
    names = [named for each in around if (named := region_named(each, on))]
    return RegionAnswer(
        code=code,
        name_zh="".join(each.zh for each in names) or code,
        name_en=", ".join(each.en for each in reversed(names)) or code,
    )
