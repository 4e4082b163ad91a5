"""Files that partners leave for us at night, in a folder by default, in a bucket in production.

`partners/PARTNER/inbox/DAY.csv` with `DAY.control.json` beside it; what became of it is written to
`partners/PARTNER/reports/`. The inbox itself is the partner's: nothing is moved or deleted there.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig  # exists for the type checker only

TIMEOUT_S: Final = 60.0  # a day of a metro is some 50 MB
FILE_BYTES_MAX: Final = 128 * 1024 * 1024  # about 700,000 lines; more is several files a day
_CLIENT_OPTIONS: Final["ClientConfig"] = {"timeout": "60s", "connect_timeout": "5s"}
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_INBOX = re.compile(
    rf"partners/({_UUID})/inbox/(\d{{4}}-\d{{2}}-\d{{2}}(?:[a-z0-9_-]{{0,32}}))\.csv"
)


class FilesUnavailable(Exception):
    """The store of partners' files does not answer."""


class FileTooLarge(Exception):
    """A file is larger than is read."""


class Delivery(NamedTuple):
    """One file of a partner.

    Attributes:
        name: Its day, and what the partner has put behind it: `2026-11-20` or `2026-11-20-b`.
    """

    partner_id: UUID
    name: str

    @property
    def csv(self) -> str:
        """Where the lines are."""
        return f"partners/{self.partner_id}/inbox/{self.name}.csv"

    @property
    def control(self) -> str:
        """Where the control totals are."""
        return f"partners/{self.partner_id}/inbox/{self.name}.control.json"

    @property
    def report(self) -> str:
        """Where the summary is written."""
        return f"partners/{self.partner_id}/reports/{self.name}.json"

    @property
    def faults(self) -> str:
        """Where the lines that were not taken are written."""
        return f"partners/{self.partner_id}/reports/{self.name}.faults.csv"


class PartnerFiles:
    """The folder or bucket that partners write to."""

    def __init__(self, address: str | Path) -> None:
        """Name a folder, which is made when it is needed, or a `file://` or `s3://` address.

        Nothing is opened yet: a process that cannot write there serves all the same.
        """
        self._address = address

    @cached_property
    def _store(self) -> ObjectStore:
        text = str(self._address)
        parts = urlsplit(text)
        if isinstance(self._address, Path) or parts.scheme in {"", "file"}:
            folder = Path(unquote(parts.path)) if parts.scheme == "file" else Path(text)
            return LocalStore(folder, mkdir=True)
        return from_url(text, client_options=_CLIENT_OPTIONS)

    async def deliveries(self) -> list[Delivery]:
        """Files that lie in inboxes together with their control totals, by partner and name.

        Raises:
            FilesUnavailable: The store does not answer.
        """
        found: list[Delivery] = []
        names: set[str] = set()
        async with _translated():
            async for portion in obstore.list(self._store, prefix="partners"):
                names.update(each["path"] for each in portion)
        for name in sorted(names):
            match = _INBOX.fullmatch(name)
            if match and (each := Delivery(UUID(match[1]), match[2])).control in names:
                found.append(each)
        return found

    async def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none.

        Raises:
            FilesUnavailable: The store does not answer.
            FileTooLarge: Nothing of it was read.
        """
        async with _translated():
            try:
                found = await obstore.get_async(self._store, path)
            except FileNotFoundError:
                return None
            if found.meta["size"] > FILE_BYTES_MAX:
                raise FileTooLarge(f"The file has more than {FILE_BYTES_MAX} bytes.")
            return bytes(await found.bytes_async())

    async def write(self, path: str, content: bytes) -> None:
        """Write a file; the same again changes nothing.

        Raises:
            FilesUnavailable: Nothing is promised; write again.
        """
        async with _translated():
            await obstore.put_async(self._store, path, content, mode="overwrite")


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield
    except (BaseError, OSError, TimeoutError) as error:
        raise FilesUnavailable(str(error)) from error
