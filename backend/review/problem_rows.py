"""The sentences that people read when the rules of review refuse."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.review.refusals import (
    AlreadyAppealed,
    AlreadyDecided,
    AppealClosed,
    AppealNotOverdue,
    DecidedBefore,
    DecisionNotClear,
    NotAppealable,
    NotInReview,
    OwnCheckIn,
    TakenByAnother,
)

# fmt: off  # one row of words per line or two reads better than one word per line
REVIEW_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    NotInReview: ProblemType(
        "not-in-review",
        409,
        "这次打卡不在复核中",
        "Not in review",
        "请从复核列表中选择下一条",
        "Take the next one from the queue",
    ),
    AlreadyDecided: ProblemType(
        "already-decided",
        409,
        "这次打卡已有复核结果",
        "Already decided",
        "请从复核列表中选择下一条",
        "Take the next one from the queue",
    ),
    AppealNotOverdue: ProblemType(
        "appeal-not-overdue",
        409,
        "应由复核员处理",
        "For reviewers",
        "请由复核员处理;运营人员只在 operator_from 之后处理申诉",
        "Let a reviewer decide; an operator may decide an appeal from `operator_from` on",
    ),
    OwnCheckIn: ProblemType(
        "own-check-in",
        403,
        "不能复核自己的打卡",
        "Your own check-in",
        "请由其他复核员处理",
        "Leave it to another reviewer",
    ),
    DecidedBefore: ProblemType(
        "decided-before",
        403,
        "申诉须由另一位复核员处理",
        "An appeal needs another reviewer",
        "请由其他复核员处理",
        "Leave it to another reviewer",
    ),
    TakenByAnother: ProblemType(
        "taken-by-another",
        409,
        "另一位复核员正在处理",
        "Another reviewer is looking",
        "请选择下一条,或在 expires_at 之后再试",
        "Take the next one, or come back after expires_at",
    ),
    DecisionNotClear: ProblemType(
        "decision-not-clear",
        422,
        "结果与标注不一致",
        "Outcome and label do not fit",
        "通过标注 clean(其他照片 shown);不计入标注所见内容",
        "Accept with clean (other photos: shown), or reject with what is seen",
    ),
    NotAppealable: ProblemType(
        "not-appealable",
        409,
        "这次打卡不能申诉",
        "Nothing to appeal",
        "可申诉的打卡带有 appeal_until",
        "Check-ins that can be appealed have appeal_until",
    ),
    AlreadyAppealed: ProblemType(
        "already-appealed",
        409,
        "这次打卡已申诉过",
        "Already appealed",
        "每次打卡可申诉一次,请等待或查看结果",
        "One appeal each: wait for its outcome, or read it",
    ),
    AppealClosed: ProblemType(
        "appeal-closed",
        409,
        "申诉期限已过",
        "The time for an appeal is over",
        "下次请在 appeal_until 之前申诉",
        "Next time appeal before appeal_until",
    ),
}
