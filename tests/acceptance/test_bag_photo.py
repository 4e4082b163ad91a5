"""A bag bound by its photo: the code is found here, and who sees none is told how to take it."""

import io

import aiohttp
import segno
from PIL import Image

from backend.recycling.codes import BagLink
from backend.workers import Workers
from scoring.photo_codes import read_codes
from tests.acceptance.running_service import make_photo

LINK = BagLink("https://tanhui.invalid", "9520000")


def make_picture(*texts, turned=0):
    """A desk of 1,200 x 900 px with a label for each text."""
    desk = Image.new("RGB", (1_200, 900), (148, 141, 129))
    for place, text in enumerate(texts):
        drawn = io.BytesIO()
        segno.make_qr(text, error="q").save(drawn, kind="png", scale=8)
        label = Image.open(drawn).convert("RGB").rotate(turned, expand=True, fillcolor="white")
        desk.paste(label, (60 + 520 * place, 200))
    picture = io.BytesIO()
    desk.save(picture, "JPEG", quality=80)
    return picture.getvalue()


async def send(member, picture):
    form = aiohttp.FormData()
    form.add_field("photo", io.BytesIO(picture), filename="bag.jpg", content_type="image/jpeg")
    return await member.send("POST", "/v1/bags/photos", data=form)


async def test_a_photo_binds_the_one_bag_that_it_shows_and_is_not_kept(service):
    member = await service.member()
    picture = make_picture(LINK.uri_of("BAG00001"), "https://example.com/menu", turned=17)
    bound = await send(member, picture)
    assert (bound.status, bound.json()["natural_key"]) == (201, "BAG00001"), bound.body
    again = await send(member, picture)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json()["id"] == bound.json()["id"]
    assert await service.value("SELECT count(*) FROM check_in WHERE evidence_sha256 <> ''") == 0


async def test_what_shows_no_bag_or_several_says_what_to_photograph(service):
    member = await service.member()
    before = await service.row_counts()
    for picture, status, problem in (
        (make_photo(1), 422, "bag-code-not-seen"),
        (make_picture("https://example.com/menu"), 404, "bag-foreign"),
        (make_picture(*(LINK.uri_of(f"BAG0000{n}") for n in (1, 2))), 422, "several-bags-seen"),
        (b"no photo", 415, "photo-type"),
    ):
        reply = await send(member, picture)
        assert (reply.status, reply.problem) == (status, problem), reply.body
    assert await service.row_counts() == before


async def test_a_worker_process_reads_what_the_library_reads():
    picture = make_picture(LINK.uri_of("BAG00003"))
    async with Workers(1) as workers:
        assert await workers.read_codes(picture) == [LINK.uri_of("BAG00003")]
    assert read_codes(make_photo(2)) == []
