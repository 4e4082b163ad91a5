"""Cards on the wire: at the desk and at the till."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from sqlalchemy import Row

from backend.http.cursors import PageQuery
from backend.http.problem import Language
from backend.rewards.settlement_bodies import TillKey

CardToken = Annotated[
    str, msgspec.Meta(pattern="^[A-Z2-7]{26}$", description="What the card's QR code holds")
]
TypedPin = Annotated[str, msgspec.Meta(pattern="^[0-9]{6}$", description="Six digits")]
Note = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
Number = Annotated[str, msgspec.Meta(pattern="^[0-9]{12}$", description="Printed on the card")]

STATUS_WORDS = {
    "blank": ("空白卡", "blank"),
    "active": ("使用中", "in use"),
    "blocked": ("已冻结", "blocked"),
    "replaced": ("已补卡", "replaced"),
}


class BindingBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A blank card, and the PIN that its holder has chosen.

    With the 会员码 that a member shows, the card is hers; without it, a new member is made.
    """

    card_token: CardToken
    pin: TypedPin
    member_code: Annotated[str, msgspec.Meta(pattern="^[0-9]{18}$")] | None = None


class ReplacementBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A blank card that takes the place of a lost one, with a PIN of its own."""

    card_token: CardToken
    pin: TypedPin


class CardChangeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Whether a card works, and why."""

    status: Literal["active", "blocked"]
    note: Note


class PinBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A PIN that the holder types; six digits."""

    pin: TypedPin


class CardAnswer(msgspec.Struct, kw_only=True):
    """A card as the desk sees it; nothing of what its holder has or did."""

    id: UUID
    number: str
    status: str
    status_text: str
    is_locked: bool
    printed_at: datetime
    bound_at: datetime | None
    replaced_by: UUID | None


class CardQuery(PageQuery, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cards, or the one with this number."""

    number: Number | None = None


class CardPage(msgspec.Struct, kw_only=True):
    """One page of cards, newest first."""

    items: list[CardAnswer]
    next_cursor: str | None


class CardChangeAnswer(msgspec.Struct, kw_only=True):
    """What was done with a card, and by whom."""

    id: UUID
    what: str
    note: str | None
    changed_by: str
    changed_at: datetime


class CardChangePage(msgspec.Struct, kw_only=True):
    """One page of the history of a card, newest first."""

    items: list[CardChangeAnswer]
    next_cursor: str | None


class BalanceBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A card at the desk, and the PIN that its holder has typed there."""

    card_token: CardToken
    pin: TypedPin


class BalanceAnswer(msgspec.Struct, kw_only=True):
    """What the holder of a card has; for her eyes, after her PIN."""

    grams: int
    reduction_text: str
    points: int


class CardRequestBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The scanned card, and what its holder has asked for."""

    card_token: CardToken
    reward_id: UUID
    till_key: TillKey | None = None


class PinConfirmationBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The PIN that the holder has typed at the till."""

    pin: TypedPin
    till_key: TillKey | None = None


def render_card(row: "Row[object]", language: Language) -> CardAnswer:
    """A card with the words for where it is."""
    words = STATUS_WORDS[str(row.status)]
    return CardAnswer(**row._mapping, status_text=words[0 if language == "zh" else 1])  # noqa: SLF001
