"""A certificate as a page: for everybody with a first character, for its holder with the name."""

from backend.paper import draw_paper, draw_qr, draw_rows
from backend.trees.bodies import PublicCertificate

TITLES = ("植树尽责证书", "Certificate of trees planted")
KINDS = {"donation": "捐资 Donation", "planting_day": "参加植树 Planting day"}
_NOTE = (
    '<p class="note">本证书证明尽责植树的株数,不是减排量,不可转让、不可交易。'
    "扫描二维码可核验。<br>This certifies trees planted in fulfilment of a pledge. It is no carbon"
    " reduction and cannot be transferred or traded. Scan the code to verify it.</p>"
)


def draw_certificate(
    certificate: PublicCertificate, holder: str, uri: str, banner: str = ""
) -> bytes:
    """The page of a certificate; `uri` leads to what everybody may see of it."""
    rows = [
        ("证书编号 Number", certificate.number),
        ("持有人 Holder", holder),
        ("尽责形式 Kind", KINDS[certificate.kind]),
        ("项目 Project", f"{certificate.project_zh} {certificate.project_en}"),
        ("树种 Species", certificate.species),
        ("株数 Trees", str(certificate.trees)),
        ("栽植日期 Planted on", certificate.planted_on.isoformat()),
    ]
    if certificate.alive < certificate.trees:
        rows.append(("现存活 Alive", str(certificate.alive)))
    return draw_paper(TITLES, f"{draw_rows(rows)}{_NOTE}{draw_qr(uri)}", banner)


def masked(initial: str | None) -> str:
    """What stands for a name in public; a holder who was erased has none."""
    return f"{initial}**" if initial else "—"
