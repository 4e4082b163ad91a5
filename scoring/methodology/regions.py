"""Places as six digits of GB/T 2260, and the names people use for provinces."""

import re

from scoring.methodology.refusals import UnknownRegion

COUNTRY = "CN"
SIX_DIGITS = re.compile(r"[1-9][0-9]{5}", re.ASCII)

# GB/T 2260 province, short name, ISO 3166-2:CN. Source: GB/T 2260-2007 as kept current by the
# Ministry of Civil Affairs; ISO 3166-2:2020.
_PROVINCES = """
11 北京 BJ|12 天津 TJ|13 河北 HE|14 山西 SX|15 内蒙古 NM|21 辽宁 LN|22 吉林 JL|23 黑龙江 HL
31 上海 SH|32 江苏 JS|33 浙江 ZJ|34 安徽 AH|35 福建 FJ|36 江西 JX|37 山东 SD|41 河南 HA|42 湖北 HB
43 湖南 HN|44 广东 GD|45 广西 GX|46 海南 HI|50 重庆 CQ|51 四川 SC|52 贵州 GZ|53 云南 YN|54 西藏 XZ
61 陕西 SN|62 甘肃 GS|63 青海 QH|64 宁夏 NX|65 新疆 XJ|71 台湾 TW|81 香港 HK|82 澳门 MO
"""


def _names() -> dict[str, str]:
    names = {COUNTRY: COUNTRY, "全国": COUNTRY}
    for row in _PROVINCES.strip().replace("\n", "|").split("|"):
        digits, short, letters = row.split()
        names[short] = names[f"CN-{letters}"] = f"{digits}0000"
    return names


NAMES = _names()


def region_of(given: str) -> str:
    """Six digits, or `CN`, from a code, a province's short name or its ISO code.

    Raises:
        UnknownRegion: none of these.
    """
    if given in NAMES:
        return NAMES[given]
    if SIX_DIGITS.fullmatch(given) is None:
        raise UnknownRegion(f"{given!r} is neither six digits nor a province")
    return given


def places_around(region: str) -> tuple[str, ...]:
    """The region itself and what contains it, narrowest first."""
    if region == COUNTRY:
        return (COUNTRY,)
    return (region, f"{region[:4]}00", f"{region[:2]}0000", COUNTRY)
