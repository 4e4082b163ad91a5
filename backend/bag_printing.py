"""The commands about bags: make a batch of codes with its labels, list batches, register a list."""

import argparse
import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

from backend.arguments import characters, text_of, whole, writing_to

if TYPE_CHECKING:
    # An auditor's install has neither; commands import what they need.
    from sqlalchemy.ext.asyncio import AsyncEngine

    from backend.settings import Settings

Result = TypeVar("Result")
PAGE = 50  # batches per call of the list
NOTE_CHARACTERS_MAX = 200  # also a constraint


def add_bag_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `bags` to the command line."""
    text = "make, list and print codes of recycling bags"
    bags = commands.add_parser("bags", help=text, description=text)
    what = bags.add_subparsers(required=True, metavar="WHAT")
    make = _add(what, "make", _make, "make a batch of signed codes and write its labels")
    make.add_argument("codes", type=int, help="how many, 1 to 5000")
    make.add_argument(
        "--note",
        type=characters(NOTE_CHARACTERS_MAX),
        help="the order, the district or the printer, for the list",
    )
    make.add_argument("--to", type=Path, metavar="FOLDER", help="gets the labels and codes.csv")
    listed = _add(what, "list", _list, "list batches and what became of their bags, newest first")
    listed.add_argument("--before", type=whole(1), metavar="NUMBER", help="list before this batch")
    labels = _add(what, "labels", _labels, "write the labels of a batch again")
    labels.add_argument("batch", type=UUID, help="its id, as listed")
    labels.add_argument("folder", type=Path)
    register = _add(what, "register", _register, "register codes of an older print from a file")
    register.add_argument("file", type=Path, help="one code per line")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], int],
    text: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=text, description=text)
    parser.set_defaults(command=run)
    return parser


def _make(parsed: argparse.Namespace) -> int:
    from backend.deployment import claim_secret
    from backend.recycling.batch_queries import Print
    from backend.recycling.batches import print_batch
    from backend.recycling.codes import BATCH_CODES_MAX
    from backend.settings import read_settings
    from backend.writing import write_alone

    if not 1 <= parsed.codes <= BATCH_CODES_MAX:
        raise SystemExit(f"A batch has 1 to {BATCH_CODES_MAX} codes; make several for more.")
    if parsed.to:
        _make_folder(parsed.to)
    settings = read_settings()
    asked = Print(parsed.codes, parsed.note, "command line")

    async def make(engine: "AsyncEngine") -> UUID:
        secret = await asyncio.to_thread(claim_secret, settings)
        return await write_alone(
            engine,
            lambda conn, now: print_batch(conn, asked, now, secret=secret),
            clock_shift_s=settings.clock_shift_s,
        )

    batch_id = _on_database(settings, make)
    written = _write_labels(settings, batch_id, parsed.to) if parsed.to else []
    print(json.dumps({"batch": str(batch_id), "codes": parsed.codes, "files": written}))
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from backend.recycling.batch_queries import BatchCounts, counts_of, list_batches
    from backend.settings import read_settings

    async def listed(engine: "AsyncEngine") -> list[dict[str, object]]:
        async with engine.connect() as conn:
            batches = await list_batches(conn, before_number=parsed.before, limit=PAGE)
            counts = await counts_of(conn, [each.id for each in batches])
        return [
            {**each._asdict(), "bags": counts.get(each.id, BatchCounts())._asdict()}
            for each in batches
        ]

    for row in (rows := _on_database(read_settings(), listed)):
        print(json.dumps(row, default=str, ensure_ascii=False))
    if len(rows) == PAGE:
        print(json.dumps({"next": f"tanhui bags list --before {rows[-1]['number']}"}))
    return 0


def _labels(parsed: argparse.Namespace) -> int:
    from backend.settings import read_settings

    written = _write_labels(read_settings(), parsed.batch, parsed.folder)
    print(json.dumps({"batch": str(parsed.batch), "files": written}))
    return 0


def _register(parsed: argparse.Namespace) -> int:
    from backend.recycling.domain import BAG_CODE_PATTERN
    from backend.recycling.queries import add_bags
    from backend.settings import read_settings

    codes = _codes_in(parsed.file, BAG_CODE_PATTERN)

    async def register(engine: "AsyncEngine") -> int:
        async with engine.begin() as conn:
            return await add_bags(conn, codes)

    print(json.dumps({"codes": len(codes), "new": _on_database(read_settings(), register)}))
    return 0


def _codes_in(file: Path, pattern: str) -> Sequence[str]:
    import re

    lines = [line.strip() for line in text_of(file).splitlines()]
    for number, line in enumerate(lines, start=1):
        if line and not re.fullmatch(pattern, line):
            raise SystemExit(f"Line {number} is no code: 4 to 32 of 0-9 and A-Z. Nothing was done.")
    return [line for line in lines if line]


def _write_labels(settings: "Settings", batch_id: UUID, folder: Path) -> list[str]:
    """Write one HTML file per 120 labels, and the codes with their links for a print shop."""
    from backend.deployment import bag_link
    from backend.recycling.batch_queries import BagBatch, batches_by_id, codes_of
    from backend.recycling.codes import BATCH_CODES_MAX
    from backend.recycling.sheet import LABELS_PER_SHEET_MAX, draw_sheet

    async def read(engine: "AsyncEngine") -> tuple[BagBatch | None, list[str]]:
        async with engine.connect() as conn:
            batch = (await batches_by_id(conn, [batch_id])).get(batch_id)
            return batch, await codes_of(conn, batch_id, after=0, limit=BATCH_CODES_MAX)

    batch, codes = _on_database(settings, read)
    if batch is None:
        raise SystemExit(f"There is no batch {batch_id}. Run: tanhui bags list")
    link = bag_link(settings)
    _make_folder(folder)
    files = [folder / f"bags-{batch.number}.csv"]
    with writing_to(folder):
        files[0].write_text("code,link\n" + "".join(f"{c},{link.uri_of(c)}\n" for c in codes))
        for start in range(0, len(codes), LABELS_PER_SHEET_MAX):
            part = codes[start : start + LABELS_PER_SHEET_MAX]
            files.append(folder / f"bags-{batch.number}-{start // LABELS_PER_SHEET_MAX + 1}.html")
            drawn = draw_sheet(part, link, batch_number=batch.number, first=start + 1)
            files[-1].write_text(drawn, encoding="utf-8")
    return [str(file) for file in files]


def _make_folder(folder: Path) -> None:
    """Made before a batch is, which nobody could print else."""
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)


def _on_database(
    settings: "Settings", work: Callable[["AsyncEngine"], Awaitable[Result]]
) -> Result:
    from backend.db import make_engine
    from backend.deployment import database_url

    async def run() -> Result:
        engine = make_engine(await database_url(settings))
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    return asyncio.run(run())
