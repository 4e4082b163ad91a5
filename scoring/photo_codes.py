"""QR codes in a photo: an upload in, what its codes say out.

The photo is decoded under the same limits as evidence, and nothing of it is kept.
"""

from typing import Final

from scoring.photo import EVIDENCE_SIDE_PX_MAX, decode_evidence, sanitise

CODES_MAX: Final = 10  # more labels than hands can hold into one picture
CHARACTERS_MAX: Final = 300  # a link; a QR code can hold ten times that


def read_codes(data: bytes) -> list[str]:
    """The texts of the QR codes in an upload; none where none is sharp enough.

    Meant for a worker process, as `sanitise` is.

    Raises:
        PhotoUnreadable: It is not one acceptable photo.
    """
    # Not in the base install, which recomputes grams and reads no codes.
    import zxingcpp

    image = decode_evidence(sanitise(data).jpeg, EVIDENCE_SIDE_PX_MAX)
    found = zxingcpp.read_barcodes(
        image.convert("L"),
        formats=zxingcpp.BarcodeFormats(zxingcpp.BarcodeFormat.QRCode),
        # As it is written: the other modes rewrite what looks like GS1 data.
        text_mode=zxingcpp.TextMode.Plain,
    )
    return [each.text[:CHARACTERS_MAX] for each in found[:CODES_MAX] if each.valid]
