"""A night's file of a partner: the same events as over HTTP, once, whatever happens between."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest

from backend import partner_files
from backend.crediting.steps import Rulebook
from backend.db import fetch
from backend.intake.controls.queries import reconciled
from backend.intake.inbox.importing import LINES_PER_TRANSACTION, Inbox
from backend.intake.inbox.lines import Control, NotReadable, read_control, read_lines, totals_of
from backend.members.steps import join
from backend.methodologies.register import open_catalogue
from backend.partner_files import FilesUnavailable, PartnerFiles
from backend.partners.queries import link, make_partner
from backend.units import SHANGHAI
from tests.acceptance.running_service import CATALOGUE, METRO
from tests.builders import SECRET

HEADING = "id,type,subject,time,record,mode,started_at,ended_at,distance_m,corrects"
FOLDER = f"partners/{METRO}"
START = (datetime.now(UTC) - timedelta(days=1)).replace(hour=2, minute=0, second=0, microsecond=0)


def ride(number, *, metres=12_000, subject="card-1", kind="tanhui.trip.v1", corrects=""):
    begins = START + timedelta(minutes=4 * number)
    ends = (begins + timedelta(minutes=3)).isoformat() if metres == 2_000 else ""
    ends = ends or (begins + timedelta(minutes=20)).isoformat()
    name = f"corr-{number}" if corrects else f"ride-{number}"
    cells = (name, kind, subject, ends, "ride", "metro", begins.isoformat(), ends, metres, corrects)
    return ",".join(str(cell) for cell in cells)


@pytest.fixture
async def inbox(engine, tmp_path):
    async with engine.begin() as conn:
        await make_partner(conn, METRO, name_zh="地铁", name_en="Metro", source="urn:metro")
        await link(conn, METRO, "card-1", await join(conn, "li"))
    rules = Rulebook(await open_catalogue(engine, CATALOGUE, clock_shift_s=0), SECRET, 0, 0)
    return Inbox(engine, PartnerFiles(tmp_path), rules, "330100")


async def leave(inbox, lines, *, day="2026-11-20", **control):
    totals = {"count": len(lines), "sums": {}} | control
    text = "\n".join([HEADING, *lines]).encode()
    await inbox.files.write(f"{FOLDER}/inbox/{day}.csv", text)
    await inbox.files.write(f"{FOLDER}/inbox/{day}.control.json", json.dumps(totals).encode())


async def imported(inbox):
    return [report for _, report in await inbox.import_new()]


async def test_a_file_is_imported_once_and_its_faults_are_told_by_line(inbox):
    lines = [
        ride(0),
        ride(10, subject="card-unknown"),
        ride(20, metres="far"),
        ride(0, metres=9_000, kind="tanhui.trip.corrected.v1", corrects="ride-0"),
    ]
    await leave(inbox, lines, sums={"distance_m": 33_000})
    [report] = await imported(inbox)
    assert report.outcome == "imported"
    assert report.answers == {"corrected": 1, "credited": 1, "parked": 1, "refused": 1}
    faults = (await inbox.files.read(f"{FOLDER}/reports/2026-11-20.faults.csv")).decode()
    assert faults.splitlines()[1:] == ["4,ride-20,validation-failed,/data/distance_m unexpected"]
    assert await imported(inbox) == []

    lines[2] = ride(20)
    await leave(inbox, lines, sums={"distance_m": 45_000})
    [mended] = await imported(inbox)
    assert mended.answers == {"credited": 1, "duplicate": 3}
    async with inbox.engine.connect() as conn:
        grams = await fetch(conn, "SELECT sum(grams) AS grams FROM credit WHERE NOT EXISTS"
                            " (SELECT FROM reversal WHERE credit_id = credit.id)")  # fmt: skip
    assert grams[0].grams == 420 + 560  # 9 km and 12 km x 46.7 g, each rounded down


async def test_a_file_states_its_days_and_a_day_that_is_refused_is_a_fault(inbox):
    day = START.astimezone(SHANGHAI).date().isoformat()
    stated = {"source": "urn:metro", "type": "tanhui.trip.v1", "day": day, "count": 1}
    sums = {"distance_m": 12_000}
    strange = {**stated, "source": "urn:bags"}
    await leave(inbox, [ride(0)], days=[{**stated, "sums": sums}, strange])
    [report] = await imported(inbox)
    assert (report.answers, report.stated, report.faults) == ({"credited": 1}, 1, 1)
    faults = (await inbox.files.read(f"{FOLDER}/reports/2026-11-20.faults.csv")).decode()
    assert faults.splitlines()[1].startswith(f",tanhui.trip.v1 {day},source-not-granted,")
    async with inbox.engine.connect() as conn:
        [row] = await reconciled(
            conn, METRO, date.fromisoformat(day), None, after=None, limit=2, clock_shift_s=0
        )
    assert (row.stated_count, row.ours_count, json.loads(row.ours_sums)) == (1, 1, sums)


async def test_an_interrupted_import_begins_again_and_doubles_nothing(inbox):
    many = [ride(number, metres=2_000) for number in range(LINES_PER_TRANSACTION + 1)]
    await leave(inbox, many)

    def give_up(done, total):
        assert total == len(many)
        if done < total:
            raise FilesUnavailable

    with pytest.raises(FilesUnavailable):
        await inbox.import_new(give_up)
    [report] = await imported(inbox)
    assert report.answers == {"credited": 1, "duplicate": LINES_PER_TRANSACTION}


@pytest.mark.parametrize("control", [{"count": 3}, {"sums": {"distance_m": 12_001}}])
async def test_totals_that_differ_import_nothing_and_say_both(inbox, control):
    await leave(inbox, [ride(0)], **control)
    [report] = await imported(inbox)
    assert (report.outcome, report.answers) == ("totals_differ", {})
    assert report.theirs != report.ours
    async with inbox.engine.connect() as conn:
        assert await fetch(conn, "SELECT event_id FROM partner_event") == []


async def test_files_that_nobody_can_take_wait(inbox):
    await leave(inbox, [ride(0)])
    await inbox.files.write(f"{FOLDER}/inbox/2026-11-21.csv", HEADING.encode())  # no totals yet
    await inbox.files.write(f"{FOLDER}/inbox/notes.txt", b"hello")
    stranger = FOLDER.replace("a1", "ff")
    for name in ("csv", "control.json"):
        await inbox.files.write(f"{stranger}/inbox/2026-11-20.{name}", b"x")
    assert len(await imported(inbox)) == 1


async def test_a_file_that_is_too_large_is_reported_and_holds_up_no_other_one(inbox, monkeypatch):
    await leave(inbox, [ride(number) for number in range(8)], day="2026-11-19")
    await leave(inbox, [ride(8)])
    monkeypatch.setattr(partner_files, "FILE_BYTES_MAX", 500)
    large, small = await imported(inbox)
    assert (large.outcome, large.answers) == ("not_readable", {})
    assert large.reason == "The file has more than 500 bytes."
    assert (small.outcome, small.answers) == ("imported", {"credited": 1})
    assert await imported(inbox) == []

    await leave(inbox, [ride(0)], day="2026-11-19")
    [mended] = await imported(inbox)
    assert mended.answers == {"credited": 1}


async def test_a_folder_that_names_no_partner_holds_up_no_file(inbox):
    await leave(inbox, [ride(0)])
    for nobody in ("-" * 36, "0" * 36):
        for name in ("csv", "control.json"):
            await inbox.files.write(f"partners/{nobody}/inbox/2026-11-20.{name}", b"x")
    assert len(await imported(inbox)) == 1


def test_totals_add_up_columns_and_members_of_objects():
    text = "id,type,time,materials.paper,mass_g\n1,x,t,100,\n2,x,t,50,7\n"
    lines = read_lines(text.encode(), "urn:bags")
    assert lines[1].document["data"] == {"materials": {"paper": "50"}, "mass_g": "7"}
    sums = {"materials.paper": 150, "mass_g": 7, "none": 0}
    assert totals_of(lines, list(sums)) == Control(2, sums)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"id,id,type,time\n", b"id,subject\n1,2\n"),
        b"id,type,time," + b"x" * 200_000,
        b"id,type,time,materials,materials.glass\n1,x,t,some,7\n",
    ],
)
def test_a_file_without_its_columns_is_not_readable(content):
    with pytest.raises(NotReadable):
        read_lines(content, "urn:metro")


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[]", b'{"count": "3"}', b'{"count": 1, "sum": {}}'),
        '{"count": 1, "sums": {"里程": 2}}'.encode("gb18030"),
    ],
)
def test_control_totals_have_one_shape(content):
    with pytest.raises(NotReadable):
        read_control(content)


async def test_a_store_that_cannot_be_opened_stops_no_service(tmp_path):
    (tmp_path / "taken").write_text("a file where a folder should be")
    files = PartnerFiles(tmp_path / "taken")
    with pytest.raises(FilesUnavailable):
        await files.deliveries()
