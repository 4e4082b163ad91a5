"""What a member agrees to when she links a partner's account with hers, word for word.

A text that was shown to somebody is never edited: a change is a new version at the end, and links
that were made keep the version that was agreed to. Nobody's link ends by it.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Consent(NamedTuple):
    """One version of the text."""

    version: str
    text_zh: str
    text_en: str


CONSENTS: Final[Sequence[Consent]] = (
    Consent(
        "2026-11",
        "我同意该合作方把我在其服务中的绿色行为(时间、起止站点或地点、数量)报送本平台,用于计算减碳量和积分。"
        "合作方只用一个不含姓名、手机号和证件号的编号称呼我。我可以随时解除关联;解除后不再接收新的数据,"
        "已入账的减碳量和积分保留。",
        "I agree that this partner reports what I do in its service (when, between which stations"
        " or at which place, how much) to this programme, to calculate reductions and points. The"
        " partner names me by a number without name, telephone or identity number. I can unlink at"
        " any time; no new data is taken after that, and what was credited stays.",
    ),
)
CURRENT: Final = CONSENTS[-1]
