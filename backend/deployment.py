"""What a process of the service holds: database, evidence store, workers, rules and keys.

Made once when a command starts, from the settings; everything below takes the part that it needs.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from backend.crediting.steps import Rulebook
from backend.db import APPLICATION_ROLE, assert_safe, make_engine
from backend.embedded import EmbeddedServer
from backend.evidence_store import EvidenceStore
from backend.intake.inbox.importing import Inbox
from backend.methodologies.register import open_catalogue
from backend.migrations import is_current, migrate
from backend.partner_files import PartnerFiles
from backend.recycling.codes import BagLink
from backend.sealing import Sealer, make_sealer
from backend.settings import Settings
from backend.workers import Workers
from scoring.methodology import load_catalogue

DATABASE = "tanhui"
CLAIM_KEY_BYTES = 32
CLAIM_KEY_FILE = "claim.key"
_KEY = re.compile(f"[0-9a-fA-F]{{{2 * CLAIM_KEY_BYTES}}}")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One process's parts of the deployment."""

    settings: Settings
    engine: AsyncEngine
    store: EvidenceStore
    workers: Workers
    rules: Rulebook

    @property
    def inbox(self) -> Inbox:
        """What imports the files that partners leave."""
        address = self.settings.partner_files_url or self.settings.data_dir / "partner-files"
        return Inbox(self.engine, PartnerFiles(address), self.rules, self.settings.region)

    @property
    def sealer(self) -> Sealer:
        """What seals and opens secrets at rest."""
        return make_sealer(self.settings.secrets_key, self.rules.claim_secret)


@asynccontextmanager
async def open_deployment(settings: Settings) -> AsyncIterator[Deployment]:
    """Start or join the database, check that it is safe and current, and build the parts.

    Raises:
        SystemExit: The database is unsafe or not migrated, a published methodology was edited, or
            the claim key is missing; says what to do.
    """
    engine = make_engine(await database_url(settings))
    try:
        async with engine.connect() as conn:
            await assert_safe(conn)
            if not await is_current(conn):
                raise SystemExit("The schema is not current. Run: tanhui migrate")
        secret = await asyncio.to_thread(claim_secret, settings)
        catalogue = await open_catalogue(
            engine, load_catalogue(), clock_shift_s=settings.clock_shift_s
        )
        rules = Rulebook(catalogue, secret, settings.clock_shift_s, settings.points_vesting_h)
        store = EvidenceStore(settings.evidence_url or settings.data_dir / "evidence")
        model = Path(settings.model_path) if settings.model_path else None
        async with Workers(settings.workers, model) as workers:
            yield Deployment(settings, engine, store, workers, rules)
    finally:
        await engine.dispose()


def bag_link(settings: Settings) -> BagLink:
    """Where the QR codes of bags lead."""
    return BagLink(settings.bag_link_origin, settings.bag_company_prefix)


async def database_url(settings: Settings) -> str:
    """Address for the application role; the embedded server is started and migrated on the way."""
    if settings.database_url:
        return settings.database_url
    server = await asyncio.to_thread(start_embedded, settings)
    await migrate(server.url(DATABASE))
    return server.url(DATABASE, APPLICATION_ROLE)


def start_embedded(settings: Settings) -> EmbeddedServer:
    """The embedded server of the data folder, with its database made."""
    server = EmbeddedServer(settings.data_dir / "postgresql")
    server.ensure_database(DATABASE)
    return server


def claim_secret(settings: Settings) -> bytes:
    """The key of claims: from the settings, or made once in the data folder.

    Raises:
        SystemExit: A database of its own without a key: every process must use the same one. Or
            the key is not whole.
    """
    if settings.claim_key:
        return _whole_key(settings.claim_key, "TANHUI_CLAIM_KEY")
    if settings.database_url:
        raise SystemExit("TANHUI_CLAIM_KEY is needed: 64 hexadecimal digits, never changed.")
    file = settings.data_dir / CLAIM_KEY_FILE
    if not file.exists():
        _make_key(file)
    return _whole_key(file.read_text(), str(file))


def _make_key(file: Path) -> None:
    """Write a key that is on the disk before it has its name: a claim under a lost one is lost."""
    made = file.with_suffix(".new")
    made.touch(mode=0o600)
    with made.open("w") as writer:
        writer.write(os.urandom(CLAIM_KEY_BYTES).hex())
        writer.flush()
        os.fsync(writer.fileno())
    made.rename(file)


def _whole_key(text: str, where: str) -> bytes:
    """The key, which is never guessed: with another one each photo would count once more."""
    if not _KEY.fullmatch(text.strip()):
        raise SystemExit(f"{where} holds no claim key: 64 hexadecimal digits, never changed.")
    return bytes.fromhex(text)
