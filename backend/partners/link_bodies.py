"""What links take and answer on the wire."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

SubjectToken = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        description="The partner's own name for its customer: opaque, never a telephone number",
    ),
]


class LinkCodeBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A customer whom the partner has signed in itself."""

    subject_token: SubjectToken


class LinkCodeAnswer(msgspec.Struct, kw_only=True):
    """A code to show to this customer alone, on paper or screen."""

    code: str
    expires_at: datetime


class LinkBody(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A code that the partner has shown; without consent nothing is linked yet."""

    code: Annotated[str, msgspec.Meta(min_length=10, max_length=24)]
    consent_version: Annotated[str, msgspec.Meta(max_length=16)] | None = None


class LinkedPartner(msgspec.Struct, kw_only=True):
    """With whom an account is linked."""

    id: UUID
    name: str


class LinkAnswer(msgspec.Struct, kw_only=True):
    """A link; after `unlinked_at` the partner's reports are not taken any more."""

    id: UUID
    partner: LinkedPartner
    subject_token: str
    consent_version: str | None
    linked_at: datetime
    unlinked_at: datetime | None


class LinkPage(msgspec.Struct, kw_only=True):
    """One page of links, newest first."""

    items: list[LinkAnswer]
    next_cursor: str | None
