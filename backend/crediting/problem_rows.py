"""The sentences that people read when corrections and reversals are refused."""

from collections.abc import Mapping

from backend.crediting.domain import NotCredited
from backend.crediting.reversal import ReversalAsked, ReversalDecided, ReversalNeedsSecondPerson
from backend.errors import DomainError
from backend.http.problem import ProblemType

CREDITING_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    NotCredited: ProblemType(
        "not-credited", 409, "这次打卡当前没有入账", "Not credited",
        "请刷新后查看这次打卡的状态", "Look at the check-in again; there is nothing to change",
    ),
    ReversalAsked: ProblemType(
        "reversal-asked", 409, "这次打卡已有冲正申请", "Reversal asked for before",
        "请查看已有的申请,编号见 reversal_id", "See the request named by reversal_id",
    ),
    ReversalDecided: ProblemType(
        "reversal-decided", 409, "这项冲正申请已处理", "Reversal decided",
        "请刷新后查看结果", "Look at the outcome",
    ),
    ReversalNeedsSecondPerson: ProblemType(
        "second-person-needed", 403, "须由另一人批准", "A second person is needed",
        "请让另一位有权限的人批准", "Let somebody else who has the role approve it",
    ),
}  # fmt: skip
