"""Bad inputs on our own routes: a named problem, never a 500, and not a row is written.

The numbers in comments are the rows of the catalogue of bad inputs that these come from; what is
wrong with HTTP and JSON themselves is shown on the sample API in `tests/http`.
"""

import io
import struct
import zipfile
import zlib
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest
from PIL import Image, PngImagePlugin

from scoring.photo import UPLOAD_BYTES_MAX
from tests.acceptance.running_service import make_key, make_photo
from tests.acceptance.test_trip_becomes_balance import make_trip

UNKNOWN_ID = "019ff7a0-0000-7000-8000-000000000000"


@pytest.fixture
async def unchanged(service):
    """The service; nothing that the test does may write a row."""
    # These exist before: the members, and a check-in to ask for.
    await (await service.member("li")).bind("BAG00001")
    await service.member("wang")
    await service.drained()  # binding a bag wakes what was reported of it before
    before = await service.row_counts()
    yield service
    assert await service.row_counts() == before


def assert_refused(reply, problem, status, about):
    assert reply.status == status, (about, reply.status, reply.body)
    assert reply.problem == problem, (about, reply.problem)
    assert reply.headers["Content-Type"] == "application/problem+json"


# 35, 36: what stands where an amount belongs.
NOT_AMOUNTS = [
    *(-1, 0, -0, 0.5, 1.0, "1", "1e3", "１２", True, None, [], {}),
    *(2**53 + 1, 2**63 - 1, 2**63, 10**30, -(2**63)),
]


async def test_amounts_are_whole_positive_and_bounded(unchanged):
    member, scale = await unchanged.member(), unchanged.by_key("scale")
    for value in NOT_AMOUNTS:
        for body in ({"mass_g": value}, {"materials": {"pet": value}}):
            reply = await scale.weigh("BAG00001", **body)
            problem = "weighing-not-clear" if body == {"mass_g": None} else "validation"
            assert_refused(reply, problem, 422, body)
        if value is not None:
            reply = await member.report(make_trip() | {"distance_m": value})
            assert_refused(reply, "validation", 422, value)
    for literal in ("1e2", "1.0", "1E0", "-0", "1e999"):
        reply = await scale.send(
            "POST",
            "/v1/bags/BAG00001/weighings",
            data=f'{{"mass_g": {literal}}}',
            headers={"Content-Type": "application/json"},
        )
        assert reply.status in {400, 422}, literal
        assert reply.problem in {"validation", "malformed-json"}, literal


async def test_masses_and_distances_have_their_ends(unchanged):
    member, scale = await unchanged.member(), unchanged.by_key("scale")
    assert_refused(await scale.weigh("BAG00001", mass_g=50_001), "validation", 422, "mass")
    assert_refused(
        await scale.weigh("BAG00001", materials={"gold": 1}), "validation", 422, "material"
    )
    # 37: a city is not that large, and nobody flies by bus.
    for distance_m in (300_001, 10**12):
        reply = await member.report(make_trip(distance_m=distance_m))
        assert_refused(reply, "validation", 422, distance_m)
    reply = await member.report(make_trip(mode="rocket"))
    assert_refused(reply, "validation", 422, "mode")


# 38, 39: what stands where a number belongs in a query.
NOT_LIMITS = ["abc", "-1", "0", "201", "10" * 9, "9" * 5_000, "%EF%BC%91", "1_0", "+1", "1.0", ""]
NOT_LIMITS += ["%201", "1%0A", "%D9%A1", "0x10", "1e1", "null"]


async def test_limits_are_plain_digits_within_their_bounds(unchanged):
    member = await unchanged.member()
    for path in ("/v1/check-ins", "/v1/account/transfers"):
        for limit in NOT_LIMITS:
            reply = await member.send("GET", _raw(unchanged, f"{path}?limit={limit}"))
            if len(limit) > 4_000:
                assert_refused(reply, "uri-too-long", 414, "a long limit")
            else:
                assert_refused(reply, "validation", 422, limit)
        repeated = await member.get(f"{path}?limit=1&limit=2")
        assert repeated.status in {400, 422}
        assert repeated.problem in {"malformed-request", "validation"}
        assert_refused(await member.get(f"{path}?page=2"), "validation", 422, "an unknown filter")
        for cursor in ("x", "AAAA", "a" * 2_000, "%00"):
            reply = await member.send("GET", _raw(unchanged, f"{path}?cursor={cursor}"))
            assert reply.status in {400, 422}, cursor
            assert reply.problem in {"invalid-cursor", "validation", "malformed-request"}


def _raw(service, path):
    """An address that is sent as it is written."""
    from yarl import URL

    return URL(service.base + path, encoded=True)


# 40: what stands where an id belongs.
NOT_IDS = [
    *("x", "1", "null", "undefined", "{ID}", "urn:uuid:ID", "%20ID", "ID%00", "ID\u200b"),
    *("00000000-0000-0000-0000-000000000000", UNKNOWN_ID, UNKNOWN_ID.upper()),
    *("ID'--", "ID%2e%2e%2f", "..%2f..%2fetc%2fpasswd", "%ff", ";", "*", "$gt"),
]


async def test_what_is_no_id_of_ours_is_not_found(unchanged):
    member = await unchanged.member()
    [own] = (await member.get("/v1/check-ins")).json()["items"]
    for form in NOT_IDS:
        written = form.replace("ID", own["id"]).replace("{", "%7B").replace("}", "%7D")
        for suffix in ("", "/calculation"):
            reply = await member.send("GET", _raw(unchanged, f"/v1/check-ins/{written}{suffix}"))
            assert reply.status in {400, 404}, (form, reply.body)
            assert reply.problem in {"not-found", "malformed-request"}, form


# 41: paths that lead nowhere.
async def test_paths_that_lead_nowhere_are_not_found(unchanged):
    member = await unchanged.member()
    for path in (
        "/v1/check-ins/%00", "/v1/../v1/account/x", "/v1//account", "/v1/account/", "/v1/account;x",
        "/v1/bags/%2e%2e/weighings", "/v1/bags/bag00001/weighings", "/v1/bags//weighings",
        "/v1/bags/BAG/weighings", "/v1/bags/" + "A" * 33 + "/weighings", "/a" * 1_000,
    ):  # fmt: skip
        for caller in (member, unchanged.by_key("scale")):
            reply = await caller.send("GET", _raw(unchanged, path))
            assert reply.status in {400, 404, 405}, (path, reply.status)
            assert reply.problem in {"not-found", "malformed-request", "method-not-allowed"}, path


# 42, 46, 48, 49: texts of all kinds where a text belongs.
ODD_TEXTS = [
    *("' OR '1'='1", "'; DROP TABLE check_in; --", '{"$gt": ""}', "${jndi:ldap://x}", "{{7*7}}"),
    *("../../etc/passwd", "=HYPERLINK(1)", "\r\nlevel=error", "\x1b[31m", "\u202eabc", "e\u0301"),
    *("\u200b" * 10, "👩‍👩‍👧" * 100, " ", "", "A" * 100_000, "\ud800", "\x00"),
]


async def test_odd_texts_are_refused_or_unknown(unchanged):
    member, metro = await unchanged.member(), unchanged.by_key("metro")
    for text in ODD_TEXTS:
        replies = [
            await member.post("/v1/captures", {"action": text}),
            await member.post("/v1/captures", {"region": text}),
            await member.bind(text),
            await member.post("/v1/check-ins", {"kind": text}),
            await metro.report(make_trip() | {"subject_token": text}),
            await member.report(make_trip() | {"region": text}),
        ]
        for number, reply in enumerate(replies):
            assert reply.status in {400, 404, 413, 422}, (number, text[:30], reply.body)
            assert reply.problem is not None


# 43: what stands where a moment belongs.
NOT_MOMENTS = [
    *("2026-02-30T08:00:00+08:00", "2026-11-20T24:00:60+08:00", "2026-W10-1T08:00:00+08:00"),
    *("2026-11-20T08:00:00", "2026-11-20", "1763596800000", 1_763_596_800, "yesterday", "", None),
    *("2026-11-20T08:00:00+25:00", "2026-11-20 08:00", "20261120T080000+0800", "２０２６-11-20"),
]
IMPOSSIBLE_MOMENTS = [
    *("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"),
    *("0001-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
]


async def test_moments_are_rfc_3339_with_an_offset(unchanged):
    member = await unchanged.member()
    for moment in NOT_MOMENTS:
        for name in ("started_at", "ended_at"):
            reply = await member.report(make_trip() | {name: moment})
            assert_refused(reply, "validation", 422, moment)
    for moment in IMPOSSIBLE_MOMENTS:
        for name in ("started_at", "ended_at"):
            reply = await member.report(make_trip() | {name: moment})
            assert_refused(reply, "time-not-plausible", 422, (name, moment))
    reply = await member.report(make_trip() | dict.fromkeys(("started_at", "ended_at"), "x"))
    assert_refused(reply, "validation", 422, "both")


async def test_a_balance_is_asked_for_at_a_moment(unchanged):
    member = await unchanged.member()
    for moment in ("2026-02-30T08:00:00Z", "2026-11-20T08:00:00", "2026-11-20", "now", "", "1"):
        reply = await member.get(f"/v1/account/balance?at={moment}")
        assert_refused(reply, "validation", 422, moment)
    for moment in IMPOSSIBLE_MOMENTS:
        written = moment.replace("+", "%2B")
        reply = await member.send("GET", _raw(unchanged, f"/v1/account/balance?at={written}"))
        assert reply.status in {200, 422}, (moment, reply.body)
        assert reply.status == 422 or reply.json()["grams"] == 0
    assert_refused(await member.get("/v1/account/balance"), "validation", 422, "nothing")
    reply = await member.send(
        "GET", _raw(unchanged, "/v1/account/balance?at=2026-11-01T00:00:00+08:00")
    )
    [fault] = reply.json()["errors"]
    assert fault == {
        "pointer": "/at",
        "code": "unknown_value",
        "detail": "加号请写成 %2B:未转义的加号会变成空格。",
    }


# 44: a trip that has not happened, or long ago.
async def test_trips_of_the_future_and_of_long_ago_are_refused(unchanged):
    member, now = await unchanged.member(), datetime.now(UTC)
    for start, problem in (
        (now + timedelta(hours=1), "time-not-plausible"),
        (now - timedelta(days=8), "evidence-too-late"),
    ):
        trip = make_trip(started_at=start, ended_at=start + timedelta(minutes=40))
        assert_refused(await member.report(trip), problem, 422, start)


# 77: what stands where an idempotency key belongs.
async def test_keys_of_another_shape_are_refused(unchanged):
    member = await unchanged.member()
    for key in ("short", "x" * 129, "with a space in it", "sixteen;characters", "é" * 16):
        for path, body in (("/v1/check-ins", make_trip()), ("/v1/captures", {})):
            reply = await member.post(path, body, idempotency_key=key)
            assert_refused(reply, "idempotency-key-missing", 400, key)
    twice = [("Idempotency-Key", make_key()), ("Idempotency-Key", make_key())]
    headers = [("Authorization", f"Bearer {member.bearer}"), *twice]
    async with unchanged.session.post("/v1/check-ins", json=make_trip(), headers=headers) as answer:
        assert answer.status == 400


def encoded(picture, kind="JPEG", **options) -> bytes:
    written = io.BytesIO()
    picture.save(written, kind, **options)
    return written.getvalue()


def plain(size=(240, 180), mode="RGB"):
    return Image.new(mode, size, 0)


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(2_000)


def png_of(width, height) -> bytes:
    """A PNG that says to be this large; a few kilobytes whatever it says."""

    def chunk(kind, content):
        sum_ = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", sum_)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes((width + 7) // 8)) * height)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    bomb = PngImagePlugin.PngInfo()
    bomb.add_text("x", "A" * 50_000_000, zip=True)
    return encoded(plain(), "PNG", pnginfo=bomb)


def animated() -> bytes:
    frames = [Image.new("RGB", (240, 180), (shade, 0, 0)) for shade in (0, 200)]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:])


# 57 to 64: what stands where a photo belongs.
NOT_PHOTOS = {
    "nothing": (lambda: b"", "photo-type", 415),
    "text": (lambda: b"a plate, I swear", "photo-type", 415),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "photo-type", 415),
    "html": (lambda: b"<!doctype html><script>alert(1)</script>", "photo-type", 415),
    "pdf": (lambda: b"%PDF-1.7\n" + bytes(500), "photo-type", 415),
    "gif": (lambda: encoded(plain(), "GIF"), "photo-type", 415),
    "tiff": (lambda: encoded(plain(), "TIFF"), "photo-type", 415),
    "bmp": (lambda: encoded(plain(), "BMP"), "photo-type", 415),
    "heic": (heic, "photo-type", 415),
    "144 MP in 18 kB": (lambda: png_of(12_000, 12_000), "photo-unreadable", 422),
    "40.5 MP": (lambda: png_of(8_100, 5_000), "photo-unreadable", 422),
    "900 MP": (lambda: png_of(30_000, 30_000), "photo-unreadable", 422),
    "a text bomb": (text_bomb, "photo-unreadable", 422),
    "half a JPEG": (lambda: make_photo(1)[: len(make_photo(1)) // 2], "photo-unreadable", 422),
    "the start of a JPEG": (lambda: b"\xff\xd8\xff\xe0" + bytes(50), "photo-type", 415),
    "two frames": (animated, "photo-unreadable", 422),
    "one pixel": (lambda: encoded(plain((1, 1))), "photo-unreadable", 422),
    "95 px": (lambda: encoded(plain((95, 300))), "photo-unreadable", 422),
    "a strip": (lambda: encoded(plain((3_000, 120))), "photo-unreadable", 422),
}


@pytest.mark.parametrize("name", NOT_PHOTOS)
async def test_what_is_no_photo_is_refused_and_leaves_the_capture_free(service, name):
    make, problem, status = NOT_PHOTOS[name]
    member = await service.member()
    capture = await member.capture()
    before = await service.row_counts()
    reply = await member.send_photo(make(), capture)
    assert_refused(reply, problem, status, name)
    assert await service.row_counts() == before
    if problem == "photo-type":
        assert reply.json()["title"] == "请选择 JPEG"
    after = await member.send_photo(make_photo(2), capture, prefer="wait=10")
    assert after.json()["status"] == "credited"


async def test_the_reason_is_said_in_both_languages(service):
    member = await service.member()
    capture = await member.capture()
    chinese = (await member.send_photo(heic(), capture)).json()
    english = (await member.send_photo(heic(), capture, accept_language="en")).json()
    assert (chinese["title"], english["title"]) == ("请选择 JPEG", "Choose JPEG")
    assert chinese["reason"] == english["reason"] == "heic"


def with_exif(photo) -> bytes:
    exif = Image.Exif()
    exif[0x0110] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[1] = "N"
    return encoded(Image.open(io.BytesIO(photo)), exif=exif, comment=b"SECRET-COMMENT", quality=80)


def with_archive(photo) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("evil.html", "<script>SECRET-SCRIPT</script>")
    return photo + archive.getvalue()


# 62, 64, 65: odd photos that are photos, of which only the picture is kept.
ODD_PHOTOS = {
    "metadata": lambda: with_exif(make_photo(1)),
    "an archive behind it": lambda: with_archive(make_photo(1)),
    "cmyk": lambda: encoded(Image.open(io.BytesIO(make_photo(1))).convert("CMYK")),
    "palette": lambda: encoded(Image.open(io.BytesIO(make_photo(1))).convert("P"), "PNG"),
    "16 bit": lambda: encoded(Image.new("I;16", (240, 180), 500), "PNG"),
    "alpha": lambda: encoded(plain(mode="RGBA"), "WEBP", lossless=True),
}


@pytest.mark.parametrize("name", ODD_PHOTOS)
async def test_of_an_odd_photo_only_the_picture_is_kept(service, tmp_path, name):
    member = await service.member()
    reply = await member.photograph(ODD_PHOTOS[name]())
    assert (reply.status, reply.json()["status"]) == (200, "credited"), reply.body
    [stored] = [file for file in (tmp_path / "evidence").rglob("*") if file.is_file()]
    kept = stored.read_bytes()
    assert b"SECRET" not in kept
    with Image.open(io.BytesIO(kept)) as picture:
        assert (picture.format, picture.mode, dict(picture.getexif())) == ("JPEG", "RGB", {})


def form_of(*fields) -> aiohttp.FormData:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields:
        filename = "x.jpg" if isinstance(value, bytes) else None
        form.add_field(name, value, filename=filename)
    return form


# 50 to 56: forms that are not the one that we ask for.
async def test_other_forms_are_refused(unchanged):
    member = await unchanged.member()
    photo = make_photo(1)
    capture = UNKNOWN_ID
    for fields, problem, status in (
        ([("capture", capture)], "validation", 422),
        ([("photo", photo)], "validation", 422),
        ([("capture", capture), ("capture", capture), ("photo", photo)], "validation", 422),
        ([("capture", capture), ("photo", photo), ("photo", photo)], "validation", 422),
        ([("capture", capture), ("photo", photo), ("score", "9999")], "validation", 422),
        ([("capture", "x" * 65), ("photo", photo)], "validation", 422),
        ([(f"part{n}", "x") for n in range(50)], None, None),
    ):
        reply = await member.send("POST", "/v1/check-ins", data=form_of(*fields))
        if problem is None:
            assert reply.status in {413, 422}
        else:
            assert_refused(reply, problem, status, [name for name, _ in fields])
    for content_type in ("multipart/form-data", "multipart/form-data; boundary=" + "b" * 71):
        reply = await member.send(
            "POST", "/v1/check-ins", data=b"--b", headers={"Content-Type": content_type}
        )
        assert reply.status in {400, 415}, content_type
    for content_type in ("image/jpeg", "text/plain", "application/x-www-form-urlencoded"):
        reply = await member.send(
            "POST", "/v1/check-ins", data=photo, headers={"Content-Type": content_type}
        )
        assert_refused(reply, "unsupported-media-type", 415, content_type)


# 53: more bytes than a photo has.
async def test_a_photo_larger_than_ten_megabytes_is_refused(service):
    member = await service.member()
    capture = await member.capture()
    before = await service.row_counts()
    just_over = make_photo(1) + bytes(UPLOAD_BYTES_MAX + 1 - len(make_photo(1)))
    reply = await member.send_photo(just_over, capture)
    assert reply.status in {413, 422}, reply.body
    assert reply.problem in {"payload-too-large", "photo-unreadable"}
    far_over = await member.send_photo(bytes(11 * 2**20), capture)
    assert_refused(far_over, "payload-too-large", 413, "11 MiB")
    assert await service.row_counts() == before
