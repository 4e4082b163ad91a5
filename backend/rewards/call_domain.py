"""Partner calls as values: what an answer means, when to ask again, when a person decides.

Nothing is returned blindly. Points go back only when the partner has said that it did not do it, or
when a person has found that out.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple
from uuid import UUID

import msgspec

from backend.rewards.refusals import RecipientNotClear

PARTNER_CALL: Final = "partner_call"  # a way to fulfil, and who settles then
# Pauses between asks, seconds; the last one repeats. Short at first: the member is looking.
PAUSES_S: Final = (2, 10, 60, 300, 900, 3_600, 7_200, 14_400)
ASKED_FOR: Final = timedelta(hours=24)  # a partner's outage; afterwards somebody telephones
SPREAD: Final = 0.1  # share of a pause that is taken off, so that asks do not come in step
OVERLAP: Final = timedelta(days=1)  # to bring a new secret to all machines of a partner
TEXT_CHARACTERS_MAX: Final = 200

PHONE, ACCOUNT = "phone", "account"
# Source: mobile numbers of mainland China, eleven digits from 13 to 19.
_PHONE: Final = re.compile(r"1[3-9][0-9]{9}")
_SUCCESSES: Final = range(200, 300)
_UNPROCESSABLE: Final = 422  # some frameworks cannot say no with 200
# A GET of a voucher that the partner does not know, or a system that cannot be asked.
_ABSENT: Final = frozenset({404, 405, 501})
NOT_UNDERSTOOD, PENDING = "not_understood", "pending"


class CallStatus(StrEnum):
    """The life of a call; the last two are ends."""

    CALLING = "calling"
    UNDECIDED = "undecided"
    FULFILLED = "fulfilled"
    REFUSED = "refused"


class Said(StrEnum):
    """What is known after an attempt."""

    FULFILLED = "fulfilled"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    ABSENT = "absent"


class Call(NamedTuple):
    """A leased call with what asking needs.

    Attributes:
        attempts: All attempts with this one; fences what is written about it.
        attempts_before: How many were made before a person had it asked again.
        recipient: Sealed.
        secrets: Sealed, newest first.
        leased_at: The database's time, which the message is stamped with.
    """

    voucher_id: UUID
    account_id: UUID
    merchant_id: UUID
    reward_id: UUID
    points: int
    url: str
    recipient: bytes | None
    attempts: int
    attempts_before: int
    ask_until: datetime
    created_at: datetime
    leased_at: datetime
    secrets: Sequence[bytes]

    @property
    def is_first(self) -> bool:
        """Whether the partner cannot have heard of it."""
        return self.attempts == 1


class Outcome(NamedTuple):
    """What came of an attempt.

    Attributes:
        reference: What the partner calls it; there when it was fulfilled.
        reason: Why not; there when it was refused.
        error: A stable code when it is not known.
    """

    said: Said
    response_code: int | None = None
    reference: str | None = None
    reason: str | None = None
    error: str | None = None


Text = msgspec.Meta(min_length=1, max_length=TEXT_CHARACTERS_MAX)


class _Answer(msgspec.Struct):
    """What a partner answers; members that we do not know are passed over."""

    status: Literal["fulfilled", "refused", "pending"]
    reference: str | None = None
    reason: str | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def read_answer(response_code: int, body: bytes) -> Outcome:
    """What an answer means; whatever leaves a doubt is unknown, never a refusal."""
    if response_code in _ABSENT:
        return Outcome(Said.ABSENT, response_code)
    if response_code not in _SUCCESSES and response_code != _UNPROCESSABLE:
        return Outcome(Said.UNKNOWN, response_code, error="status_refused")
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Outcome(Said.UNKNOWN, response_code, error=NOT_UNDERSTOOD)
    return _meaning(response_code, answer)


def _meaning(response_code: int, answer: _Answer) -> Outcome:
    reference, reason = _text(answer.reference), _text(answer.reason)
    if answer.status == "refused":
        return Outcome(Said.REFUSED, response_code, reason=reason or "refused")
    if answer.status == "pending":
        return Outcome(Said.UNKNOWN, response_code, error=PENDING)
    if reference is None or response_code not in _SUCCESSES:
        # Without its name on the other side nobody could prove it later: ask until there is one.
        return Outcome(Said.UNKNOWN, response_code, error=NOT_UNDERSTOOD)
    return Outcome(Said.FULFILLED, response_code, reference=reference)


def _text(given: str | None) -> str | None:
    """What can be stored and shown of a foreign text."""
    shown = "".join(each for each in given or "" if each.isprintable()).strip()
    return shown[:TEXT_CHARACTERS_MAX] or None


def ask_again_at(call: Call, now: datetime) -> datetime | None:
    """When to ask next; None when a person has to decide."""
    number = call.attempts - call.attempts_before
    pause_s = PAUSES_S[min(number, len(PAUSES_S)) - 1]
    # The id is random enough to spread asks, and the same attempt always waits the same.
    share = (call.voucher_id.int + 7_919 * call.attempts) % 1_000 / 1_000
    due_at = now + timedelta(seconds=pause_s * (1 - SPREAD * share))
    return due_at if due_at < call.ask_until else None


class Recipient(NamedTuple):
    """Who gets it at the partner: what kind of name that is, and the name, sealed."""

    kind: str
    sealed: bytes


def kind_of(recipient: str) -> str:
    """Whether this is a phone number of mainland China, or another name."""
    return PHONE if _PHONE.fullmatch(recipient) else ACCOUNT


def refuse_recipient(wanted: str | None, given: Recipient | None) -> None:
    """Refuse a recipient that is missing, of the wrong kind, or not asked for.

    Raises:
        RecipientNotClear: Says what the reward wants.
    """
    is_good = (
        given is None
        if wanted is None
        else given is not None
        and given.kind
        in {
            wanted,
            PHONE,
        }
    )
    if not is_good:
        raise RecipientNotClear(recipient=wanted)
