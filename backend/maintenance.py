"""Commands for operators: migrate, dead letters, funds, partners' keys and files, blank cards."""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from backend.arguments import writing_to
from backend.campaigns.answers import TopUpAlone
from backend.campaigns.budgets import alerts, all_fund_rows, state_of
from backend.campaigns.domain import used_percent
from backend.campaigns.fund_queries import TOP_UP_ALONE, FundChange
from backend.campaigns.steps import top_up_alone
from backend.cards.sheets import CARDS_MAX, make_blanks, sheet_of
from backend.db import clock, make_engine
from backend.deployment import DATABASE, claim_secret, database_url, open_deployment, start_embedded
from backend.errors import NotFound
from backend.evidence_store import EvidenceStore, EvidenceUnavailable
from backend.http.json_body import convert
from backend.http.problem import Fault
from backend.http.refusals import ValidationFailed
from backend.ids import uuid7
from backend.intake.events.kinds import TYPES
from backend.intake.inbox.importing import Report
from backend.migrations import migrate
from backend.outbox import dead_letters, replay
from backend.partner_files import Delivery, FilesUnavailable
from backend.partners.cards import insert_blanks
from backend.partners.desk import SourceTaken, add_partner, check_terms, known_of
from backend.partners.desk_bodies import PartnerBody
from backend.partners.domain import KeyTerms
from backend.partners.queries import issue_bearer_key, partner_of_source
from backend.partners.signing_keys import (
    PublicKeyNotValid,
    issue_hmac_key,
    issue_public_key,
    read_public_key,
)
from backend.review.export import Exported, NotAnExport, Period, export_decided
from backend.sealing import make_sealer
from backend.settings import Settings
from backend.units import shanghai_day

PROGRESS_EVERY_S = 2.0

Result = TypeVar("Result")


def migrate_database(settings: Settings) -> int:
    """Bring the schema to the newest revision, as its owner."""
    url = settings.migrate_url
    if not url and settings.database_url:
        raise SystemExit("TANHUI_MIGRATE_URL is needed: the address of the owner role.")
    asyncio.run(migrate(url or start_embedded(settings).url(DATABASE)))
    print("The schema is current.")
    return 0


def list_dead_letters(settings: Settings, *, after: int, limit: int) -> int:
    """Print rows of work that were given up, one JSON object a line."""
    rows = _in_transaction(settings, lambda conn: dead_letters(conn, after=after, limit=limit))
    for row in rows:
        print(json.dumps(dict(row._mapping), default=str, ensure_ascii=False))  # noqa: SLF001
    if len(rows) == limit:
        print(json.dumps({"next": f"tanhui outbox --after {rows[-1].id}"}))
    return 0


def replay_dead_letters(settings: Settings, ids: Sequence[str]) -> int:
    """Put dead rows back to work; `all` means every one."""
    if "all" in ids and len(ids) > 1:
        raise SystemExit("Either all, or ids.")

    async def put_back(conn: AsyncConnection) -> int:
        if ids == ["all"]:
            count, after = 0, 0
            while rows := await dead_letters(conn, after=after, limit=1_000):
                after = rows[-1].id
                count += await replay(conn, [row.id for row in rows])
            return count
        return await replay(conn, [int(text) for text in ids])

    print(json.dumps({"replayed": _in_transaction(settings, put_back)}))
    return 0


def show_funds(settings: Settings) -> int:
    """Print each fund with its state, one JSON object a line."""

    async def show(conn: AsyncConnection) -> None:
        today = shanghai_day(await clock(conn, settings.clock_shift_s))
        for row in await all_fund_rows(conn):
            shown = {
                **row._mapping,  # noqa: SLF001
                "used_percent": used_percent(row.budget, row.available),
                "state": state_of(row, today),
            }
            print(json.dumps(shown, default=str, ensure_ascii=False))

    _in_transaction(settings, show)
    return 0


def top_up_fund(settings: Settings, fund_id: UUID, points: int, *, reason: str, by: str) -> int:
    """Put points into a fund on record, then print the funds; a second call adds more."""
    try:
        convert({"reason": reason, "by": by}, TopUpAlone)
    except ValidationFailed as error:
        raise SystemExit("\n".join(map(_sentence, error.errors))) from None

    async def add(conn: AsyncConnection) -> None:
        now, who = await clock(conn, settings.clock_shift_s), f"command-line|{by}"
        change = FundChange(uuid7(), fund_id, TOP_UP_ALONE, points, None, reason, who, now)
        await top_up_alone(conn, change)

    try:
        _in_transaction(settings, add)
    except NotFound:
        raise SystemExit(f"There is no fund {fund_id}. Run: tanhui fund") from None
    return show_funds(settings)


def show_fund_alerts(settings: Settings) -> int:
    """Print the newest alerts of funds, one JSON object a line."""
    for row in _in_transaction(settings, lambda conn: alerts(conn, before=None, limit=50)):
        print(json.dumps(dict(row._mapping), default=str, ensure_ascii=False))  # noqa: SLF001
    return 0


def make_partner_key(
    settings: Settings,
    terms: KeyTerms,
    *,
    name: str,
    source: str | None,
    public_key: str | None,
    is_hmac: bool,
) -> int:
    """Make a key, and its partner unless one speaks for `source` already; print it, once.

    A bearer key is one word. A key that signs is its name, and for HMAC the secret behind it.
    What nobody could use is refused, as over HTTP, and makes nothing.
    """
    octets = _public_key(public_key) if public_key else None
    new_id = uuid7()
    own = source or f"urn:tanhui:partner:{new_id}"

    async def make(conn: AsyncConnection) -> str:
        check_terms(terms, known_of(TYPES), own)
        told = convert({"name_zh": name, "name_en": name, "source": own}, PartnerBody)
        assert isinstance(told, PartnerBody)
        partner_id = await partner_of_source(conn, own) or await add_partner(conn, told, new_id)
        if octets is not None:
            return await issue_public_key(conn, partner_id, terms, octets)
        if is_hmac:
            sealer = make_sealer(
                settings.secrets_key, await asyncio.to_thread(claim_secret, settings)
            )
            return " ".join(await issue_hmac_key(conn, partner_id, terms, sealer))
        return await issue_bearer_key(conn, partner_id, terms)

    try:
        print(_in_transaction(settings, make))
    except SourceTaken:
        raise SystemExit(f"{own} touches the source of another partner.") from None
    except ValidationFailed as error:
        raise SystemExit("\n".join(map(_sentence, error.errors))) from None
    return 0


def _sentence(fault: Fault) -> str:
    words = fault.words.en if fault.words else ""
    return f"{fault.pointer.strip('/')}: {fault.code}. {words}".rstrip()


def _public_key(text: str) -> bytes:
    try:
        return read_public_key(text)
    except PublicKeyNotValid as error:
        raise SystemExit(str(error)) from None


def print_cards(settings: Settings, *, count: int, file: Path, title: str) -> int:
    """Register blank cards and write the page to print them from; a second call makes others."""
    if not 1 <= count <= CARDS_MAX:
        raise SystemExit(f"A sheet has 1 to {CARDS_MAX} cards.")
    blanks = make_blanks(count)

    async def register(conn: AsyncConnection) -> None:
        await insert_blanks(conn, blanks, await clock(conn, settings.clock_shift_s))

    try:
        # Written first and never over another one: a card that is registered must be on paper.
        with file.open("x", encoding="utf-8") as page:
            page.write(sheet_of(blanks, title))
    except FileExistsError:
        raise SystemExit(f"{file} is there already: its cards may be in use.") from None
    except OSError as error:
        raise SystemExit(f"{file} cannot be written: {error.strerror}.") from None
    _in_transaction(settings, register)
    print(json.dumps({"cards": count, "first": blanks[0].number, "last": blanks[-1].number}))
    return 0


def export_reviewed(
    settings: Settings, folder: Path, *, since: date | None, until: date | None
) -> int:
    """Write decided photos with their labels into a folder, and print how many."""

    async def export() -> Exported:
        engine = make_engine(await database_url(settings))
        store = EvidenceStore(settings.evidence_url or settings.data_dir / "evidence")
        try:
            return await export_decided(engine, store, folder, Period(since, until))
        finally:
            await engine.dispose()

    if since and until and since > until:
        raise SystemExit("--from is after --to: there is no such day.")
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        print(json.dumps(asdict(asyncio.run(export()))))
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise SystemExit(f"{error.filename} cannot be written: choose another folder.") from None
    except EvidenceUnavailable:
        raise SystemExit(
            "The store of evidence does not answer (TANHUI_EVIDENCE_URL)."
            " What was exported is whole; run this again."
        ) from None
    except NotAnExport:
        raise SystemExit(
            f"{folder / 'manifest.csv'} has other columns: choose a folder of its own."
        ) from None
    return 0


def _in_transaction(
    settings: Settings, work: Callable[[AsyncConnection], Awaitable[Result]]
) -> Result:
    async def run() -> Result:
        engine = make_engine(await database_url(settings))
        try:
            async with engine.begin() as conn:
                return await work(conn)
        finally:
            await engine.dispose()

    return asyncio.run(run())


def import_partner_files(settings: Settings) -> int:
    """Import what lies in partners' inboxes; 1 when a file was refused or has faulty lines.

    Progress goes to standard error, one report as JSON to standard output for each file.
    """
    told_at = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told_at
        if done == total or time.monotonic() - told_at > PROGRESS_EVERY_S:
            told_at = time.monotonic()
            print(f"{done:,}/{total:,}", file=sys.stderr, flush=True)

    async def act() -> list[tuple[Delivery, Report]]:
        async with open_deployment(settings) as deployment:
            return await deployment.inbox.import_new(tell)

    try:
        reports = asyncio.run(act())
    except FilesUnavailable as error:
        raise SystemExit(f"{error} What was imported stays; run this again.") from None
    for delivery, report in reports:
        shown = {"file": delivery.csv, **msgspec.to_builtins(report)}
        print(json.dumps(shown, ensure_ascii=False))
    return int(any(each.outcome != "imported" or each.faults for _, each in reports))
