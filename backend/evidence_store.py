"""Where evidence rests: a local folder by default, a bucket in production.

The key is the content's own hash, so a photo that is put twice is one file. Evidence is put before
the commit that names it; what a failed commit leaves behind is swept later.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from backend.errors import DomainError

if TYPE_CHECKING:
    from obstore.store import ClientConfig  # exists for the type checker only

TIMEOUT_S: Final = 5.0  # one photo is near 100 kB; a store this slow is a store that is down
LIST_ROWS: Final = 500  # one question to the database per portion
_UNFINISHED: Final = "#1"  # ends the name of a file that is being written
# Whatever else lies there, such as the note of an operator, is none of ours.
_KEY: Final = re.compile(r"accounts/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[0-9a-f]{64}")
# A connection that is not there after 2 s leaves time for one retry within `TIMEOUT_S`.
_CLIENT_OPTIONS: Final["ClientConfig"] = {"timeout": "5s", "connect_timeout": "2s"}


class EvidenceMissing(DomainError):
    """The evidence is not in the store: it was erased, or never arrived there."""


class EvidenceUnavailable(DomainError):
    """The store of evidence does not answer; the same request may succeed later."""


class EvidenceStore:
    """Evidence by account and content hash, in a folder or in any store that obstore can reach."""

    def __init__(self, address: str | Path) -> None:
        """Open a folder, which is made if need be, or a `file://` or `s3://` address.

        Access keys, region and endpoint of a bucket come from the environment (`AWS_*`).
        """
        self._folder = _folder_of(address)
        self._store: ObjectStore
        if self._folder is None:
            self._store = from_url(str(address), client_options=_CLIENT_OPTIONS)
        else:
            self._store = LocalStore(self._folder, mkdir=True)

    async def put(self, account_id: UUID, sha256: str, jpeg: bytes) -> None:
        """Store evidence so that it survives a power cut; a second put changes nothing.

        Raises:
            EvidenceUnavailable: Nothing is promised; put again.
        """
        key = _key(account_id, sha256)
        async with _translated():
            if self._folder is not None:
                await asyncio.to_thread(_write_durably, self._folder, key, jpeg)
                return
            # Overwriting equal content renews its time, so the sweep leaves a second try alone.
            await obstore.put_async(self._store, key, jpeg, mode="overwrite")

    async def get(self, account_id: UUID, sha256: str) -> bytes:
        """The stored JPEG.

        Raises:
            EvidenceMissing: There is none under this key.
            EvidenceUnavailable: The store does not answer.
        """
        async with _translated():
            found = await obstore.get_async(self._store, _key(account_id, sha256))
            return bytes(await found.bytes_async())

    async def holds(self, account_id: UUID, sha256: str) -> bool:
        """Whether there is evidence under this key; nothing is read.

        Raises:
            EvidenceUnavailable: The store does not answer.
        """
        try:
            async with _translated():
                await obstore.head_async(self._store, _key(account_id, sha256))
        except EvidenceMissing:
            return False
        return True

    async def delete(self, account_id: UUID, sha256: str) -> None:
        """Remove evidence; what is not there is no error, so that an erasure can be repeated.

        Raises:
            EvidenceUnavailable: It may still be there; delete again.
        """
        async with _translated():
            with suppress(FileNotFoundError):
                await obstore.delete_async(self._store, _key(account_id, sha256))

    async def older_than(self, moment: datetime) -> AsyncIterator[Sequence[tuple[UUID, str]]]:
        """Portions of (account, sha256) that were last put before `moment`, in no given order.

        Raises:
            EvidenceUnavailable: The store does not answer.
        """
        try:
            async for portion in obstore.list(self._store, prefix="accounts", chunk_size=LIST_ROWS):
                old = [each["path"] for each in portion if each["last_modified"] < moment]
                yield [_named(key) for key in old if _KEY.fullmatch(key)]
        except (BaseError, OSError) as error:
            raise EvidenceUnavailable from error

    async def is_older(self, account_id: UUID, sha256: str, moment: datetime) -> bool:
        """Whether evidence is there and was last put before `moment`.

        Raises:
            EvidenceUnavailable: The store does not answer.
        """
        try:
            async with _translated():
                found = await obstore.head_async(self._store, _key(account_id, sha256))
        except EvidenceMissing:
            return False
        return found["last_modified"] < moment

    async def delete_unfinished(self, moment: datetime) -> int:
        """Remove what writes that were cut off before `moment` left behind; return how many.

        Only a folder has any: a bucket shows nothing before it is whole.

        Raises:
            EvidenceUnavailable: The rest is removed the next time.
        """
        if self._folder is None:
            return 0
        try:
            return await asyncio.to_thread(_delete_unfinished, self._folder, moment.timestamp())
        except OSError as error:
            raise EvidenceUnavailable from error


def _named(key: str) -> tuple[UUID, str]:
    _, account_id, sha256 = key.split("/")
    return UUID(account_id), sha256


def _folder_of(address: str | Path) -> Path | None:
    if isinstance(address, Path):
        return address
    parts = urlsplit(address)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(address)


def _key(account_id: UUID, sha256: str) -> str:
    return f"accounts/{account_id}/{sha256}"


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            yield
    except FileNotFoundError as error:
        raise EvidenceMissing from error
    except (BaseError, OSError, TimeoutError) as error:
        raise EvidenceUnavailable from error


def _write_durably(folder: Path, key: str, jpeg: bytes) -> None:
    """Write through a temporary file, because obstore's local store never calls fsync.

    The name appears only after its content is on the disk, so a file that is there is whole.
    Writing it again, instead of looking first, also completes a put that lost its folder entry.
    """
    path = folder / key
    _make_folders(path.parent)
    # obstore hides names that end in `#` and digits: an unfinished write is never listed.
    with NamedTemporaryFile(dir=path.parent, suffix=_UNFINISHED, delete=False) as file:
        try:
            file.write(jpeg)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(path)
        except BaseException:  # on a full disk every try would take more of it
            Path(file.name).unlink()
            raise
    _sync_folder(path.parent)


def _delete_unfinished(folder: Path, before_s: float) -> int:
    deleted = 0
    for part in folder.glob(f"accounts/*/*{_UNFINISHED}"):
        with suppress(FileNotFoundError):  # it has its own name by now
            if part.stat().st_mtime < before_s:
                part.unlink()
                deleted += 1
    return deleted


def _make_folders(folder: Path) -> None:
    """Make missing folders, each entry synced into its parent."""
    if folder.is_dir():
        return
    _make_folders(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
