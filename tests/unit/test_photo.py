import hashlib
import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from models.renderer import render
from scoring.photo import EVIDENCE_SIDE_PX_MAX, PhotoUnreadable, decode_evidence, sanitise

RED, BLUE = (220, 20, 20), (20, 20, 220)
GPS = 0x8825
ORIENTATION = 0x0112


def encoded(image, kind="JPEG", **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def red_left_blue_right(size=(200, 120)):
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, size[0] // 2, size[1]))
    return image


def pixels(photo):
    return np.asarray(decode_evidence(photo.jpeg, 4096), np.float32)


def png_header(width, height):
    """A valid PNG of one bit per pixel whose size is a lie that only decoding would find out."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def text_bomb():
    body = b"note\0\0" + zlib.compress(b"\0" * 100_000_000, 9)
    chunk = struct.pack(">I", len(body)) + b"zTXt" + body
    chunk += struct.pack(">I", zlib.crc32(b"zTXt" + body))
    png = encoded(red_left_blue_right(), "PNG")
    return png[:33] + chunk + png[33:]


def animated(kind):
    frames = [Image.new("RGB", (120, 120), (shade, 0, 0)) for shade in (10, 120, 240)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)


def ftyp(*brands):
    body = brands[0] + b"\0\0\0\0" + b"".join(brands[1:])
    return struct.pack(">I", 8 + len(body)) + b"ftyp" + body + b"\0" * 64


def photo_bytes():
    return encoded(render("clean", 1, (320, 240)))


REFUSED = {
    "empty": (lambda: b"", "unsupported_type"),
    "text": (lambda: b"no photo at all, named lunch.jpg", "unsupported_type"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type"),
    "pdf": (lambda: b"%PDF-1.7\n", "unsupported_type"),
    "eps": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n", "unsupported_type"),
    "gif": (lambda: encoded(red_left_blue_right(), "GIF"), "unsupported_type"),
    "tiff": (lambda: encoded(red_left_blue_right(), "TIFF"), "unsupported_type"),
    "bmp": (lambda: encoded(red_left_blue_right(), "BMP"), "unsupported_type"),
    "heic": (lambda: ftyp(b"heic", b"mif1", b"heic"), "heic"),
    "heif_with_heic": (lambda: ftyp(b"mif1", b"mif1", b"heic"), "heic"),
    "heif_sequence": (lambda: ftyp(b"msf1", b"hevc"), "heic"),
    "avif": (lambda: ftyp(b"avif", b"mif1", b"miaf"), "unsupported_type"),
    "mp4": (lambda: ftyp(b"mp42", b"isom"), "unsupported_type"),
    "ten_megabytes": (lambda: photo_bytes() + b"\0" * 10_000_000, "too_large"),
    "png_bomb_of_144_megapixels": (lambda: png_header(12_000, 12_000), "too_many_pixels"),
    "png_bomb_of_900_megapixels": (lambda: png_header(30_000, 30_000), "too_many_pixels"),
    "just_above_40_megapixels": (lambda: png_header(8_000, 5_001), "too_many_pixels"),
    "text_bomb": (text_bomb, "broken"),
    "half_a_jpeg": (lambda: photo_bytes()[: len(photo_bytes()) // 2], "broken"),
    "jpeg_header_alone": (lambda: photo_bytes()[:300], "broken"),
    "png_without_its_end": (lambda: encoded(red_left_blue_right(), "PNG")[:-40], "broken"),
    "animated_webp": (lambda: animated("WEBP"), "several_frames"),
    "animated_png": (lambda: animated("PNG"), "several_frames"),
    "one_pixel": (lambda: encoded(Image.new("RGB", (1, 1)), "PNG"), "too_small"),
    "one_pixel_wide": (lambda: encoded(Image.new("RGB", (1, 65_000)), "JPEG"), "too_small"),
    "95_pixels_wide": (lambda: encoded(Image.new("RGB", (95, 200)), "JPEG"), "too_small"),
    "strip": (lambda: encoded(Image.new("RGB", (100, 1_001)), "PNG"), "too_small"),
}


@pytest.mark.parametrize("upload", REFUSED)
def test_what_is_no_acceptable_photo_is_refused_with_its_reason(upload):
    make, reason = REFUSED[upload]
    with pytest.raises(PhotoUnreadable) as refusal:
        sanitise(make())
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("L", "JPEG"),
        ("1", "PNG"),
        ("P", "PNG"),
        ("RGBA", "PNG"),
        ("LA", "PNG"),
        ("RGB", "WEBP"),
        ("RGBA", "WEBP"),
    ],
)
def test_every_colour_mode_becomes_rgb_with_the_same_look(mode, kind):
    image = Image.linear_gradient("L").convert("RGB")
    photo = sanitise(encoded(image.convert(mode), kind))

    assert pixels(photo).shape == (256, 256, 3)
    assert abs(pixels(photo).mean() - 127.5) < 3


def test_sixteen_bit_grey_keeps_its_upper_bits():
    ramp = np.linspace(0, 65_535, 200 * 200).reshape(200, 200).astype(np.uint16)

    assert abs(pixels(sanitise(encoded(Image.fromarray(ramp), "PNG"))).mean() - 127.5) < 3


def test_transparency_lies_on_white():
    clear = Image.new("RGBA", (128, 128), (0, 0, 0, 0))

    assert pixels(sanitise(encoded(clear, "PNG"))).min() > 250


@pytest.mark.parametrize(
    ("size", "accepted"),
    [
        ((96, 96), (96, 96)),
        ((96, 960), (96, 960)),
        ((4000, 3000), (1024, 768)),
        ((1500, 2000), (768, 1024)),
    ],
)
def test_sizes_within_the_limits_are_kept_or_scaled_to_1024(size, accepted):
    photo = sanitise(encoded(red_left_blue_right(size)))

    assert (photo.width, photo.height) == accepted
    assert max(accepted) <= EVIDENCE_SIDE_PX_MAX


@pytest.mark.parametrize(
    ("orientation", "size", "red_at"),
    [
        (1, (200, 120), "left"),
        (2, (200, 120), "right"),
        (3, (200, 120), "right"),
        (4, (200, 120), "left"),
        (5, (120, 200), "top"),
        (6, (120, 200), "top"),
        (7, (120, 200), "bottom"),
        (8, (120, 200), "bottom"),
        (9, (200, 120), "left"),  # no such orientation
    ],
)
def test_photos_come_out_upright(orientation, size, red_at):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = sanitise(encoded(red_left_blue_right(), exif=exif.tobytes()))
    look = pixels(photo)
    corner = {
        "left": look[:, 0, 0],
        "right": look[:, -1, 0],
        "top": look[0, :, 0],
        "bottom": look[-1, :, 0],
    }[red_at]

    assert (photo.width, photo.height) == size
    assert corner.mean() > 180


def test_a_broken_exif_table_does_not_cost_the_photo():
    broken = b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + b"\xff" * 40

    assert sanitise(encoded(red_left_blue_right(), exif=broken)).width == 200


def test_no_exif_gps_xmp_comment_profile_or_thumbnail_survives():
    exif = Image.Exif()
    exif[0x010E] = "SECRET-DESCRIPTION"
    exif[0x927C] = b"SECRET-MAKER" * 5_000
    exif.get_ifd(GPS)[1] = "N"
    exif.get_ifd(GPS)[29] = "SECRET-GPS"
    data = encoded(
        render("clean", 2, (320, 240)),
        exif=exif.tobytes(),
        comment=b"SECRET-COMMENT",
        xmp=b"<x:xmpmeta>SECRET-XMP</x:xmpmeta>",
        icc_profile=b"SECRET-PROFILE" * 20,
    )
    photo = sanitise(data)

    assert data.count(b"SECRET") > 5
    for trace in (b"SECRET", b"Exif", b"GPS", b"http", b"xmp", b"ICC_PROFILE"):
        assert trace not in photo.jpeg
    with Image.open(io.BytesIO(photo.jpeg)) as stored:
        assert not stored.getexif()
        assert set(stored.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_png_text_and_webp_metadata_do_not_survive():
    note = PngInfo()
    note.add_text("place", "SECRET")
    exif = Image.Exif()
    exif[0x010E] = "SECRET"
    for data in (
        encoded(red_left_blue_right(), "PNG", pnginfo=note),
        encoded(red_left_blue_right(), "WEBP", exif=exif.tobytes()),
    ):
        assert b"SECRET" in data
        assert b"SECRET" not in sanitise(data).jpeg


def test_a_picture_with_an_archive_behind_it_comes_out_without_it():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("payload.html", "<script>SECRET</script>")
    data = photo_bytes()
    photo = sanitise(data + archive.getvalue())

    assert photo == sanitise(data)


def test_of_a_multi_picture_jpeg_the_first_frame_counts_and_the_tail_does_not():
    first, second = red_left_blue_right((320, 240)), Image.new("RGB", (320, 240), (0, 255, 0))
    multi = encoded(first, "MPO", save_all=True, append_images=[second])
    photo = sanitise(multi + b"MakerTail" * 1_000)
    look = pixels(photo)

    assert (photo.width, photo.height) == (320, 240)
    assert look[:, :100, 0].mean() > 180
    assert look[:, :, 1].mean() < 80


def test_a_multi_picture_jpeg_whose_second_frame_is_cut_off_is_still_a_photo():
    second = render("disc", 1, (320, 240))
    multi = encoded(red_left_blue_right((320, 240)), "MPO", save_all=True, append_images=[second])

    assert sanitise(multi[:-200]).width == 320


def test_equal_bytes_give_equal_evidence():
    data = photo_bytes()

    assert sanitise(data) == sanitise(data)


def test_hashes_are_those_of_the_stored_file_and_of_its_pixels():
    photo = sanitise(photo_bytes())
    with Image.open(io.BytesIO(photo.jpeg)) as stored:
        look = stored.convert("RGB")

    assert photo.sha256 == hashlib.sha256(photo.jpeg).hexdigest()
    assert photo.pixel_sha256 == hashlib.sha256(b"320x240:" + look.tobytes()).digest()


def test_metadata_does_not_change_the_identity():
    image = render("clean", 4, (320, 240))
    exif = Image.Exif()
    exif[0x010E] = "another description"

    assert sanitise(encoded(image)) == sanitise(encoded(image, exif=exif.tobytes()))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("software", "expected"),
    [
        ("Adobe Photoshop 25.1 (Windows)", "photoshop"),
        ("Snapseed 2.0", "snapseed"),
        ("HUAWEI P60 13.1.0.132", None),  # phones sign as well
        (None, None),  # messengers remove all of it
    ],
)
def test_an_editing_program_that_names_itself_is_noticed(kind, software, expected):
    exif = Image.Exif()
    if software:
        exif[0x0131] = software
    assert sanitise(encoded(red_left_blue_right(), kind, exif=exif)).edited_with == expected


def test_stored_bytes_that_are_no_jpeg_are_broken_evidence():
    with pytest.raises(PhotoUnreadable):
        decode_evidence(b"rotten", 512)


def test_damaged_uploads_raise_nothing_but_the_refusal():
    random = np.random.default_rng(5)
    image = render("clean", 3, (160, 120))
    originals = [encoded(image, kind) for kind in ("JPEG", "PNG", "WEBP")]
    outcomes = set()
    for turn in range(300):
        damaged = bytearray(originals[turn % 3])
        for at in random.integers(len(damaged) if turn % 2 else 200, size=4):
            damaged[at] = random.integers(256)
        try:
            outcomes.add(sanitise(bytes(damaged)).width)
        except PhotoUnreadable as refusal:
            outcomes.add(refusal.reason)

    assert {160, "broken"} <= outcomes
