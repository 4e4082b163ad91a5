"""The kinds of notices and their words; numbers always with their unit."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from backend.checkins.reasons import REASONS
from backend.units import format_reduction

POINTS_EXPIRING: Final = "points_expiring"
POINTS_EXPIRED: Final = "points_expired"
POINTS_FUNDED: Final = "points_funded"
CREDIT_RESTATED: Final = "credit_restated"
POINTS_STOP: Final = "points_stop"
VOUCHER_FULFILLED: Final = "voucher_fulfilled"
VOUCHER_RETURNED: Final = "voucher_returned"
VOUCHER_UNDECIDED: Final = "voucher_undecided"
BAG_LAPSING: Final = "bag_lapsing"
BAG_LAPSED: Final = "bag_lapsed"
PICKUP_MISSED: Final = "pickup_missed"

Arguments = Mapping[str, Any]


class Notice(NamedTuple):
    """One thing that a member should know.

    Attributes:
        subject: What it is about; with account and kind it is said once.
        arguments: Numbers, dates and codes; never words, never personal data.
    """

    account_id: UUID
    kind: str
    subject: str
    arguments: Arguments


class Stored(NamedTuple):
    """A notice as it was written."""

    id: UUID
    kind: str
    arguments: Arguments
    created_at: datetime
    read_at: datetime | None


class Words(NamedTuple):
    """What a member reads."""

    title: str
    text: str


# Titles and texts by kind, Chinese first; the fields are arguments as `_readable` makes them.
_TEMPLATES: Mapping[str, tuple[Words, Words]] = {
    POINTS_EXPIRING: (
        Words("积分即将过期", "{points} 积分将于 {expires_on} 到期,还有 {days} 天,请及时兑换。"),
        Words(
            "Points expire soon",
            "{points} points expire after {expires_on}, in {days} days. Use them before then.",
        ),
    ),
    POINTS_EXPIRED: (
        Words("积分已过期", "{points} 积分已于 {expires_on} 到期。减碳量不受影响。"),
        Words(
            "Points have expired",
            "{points} points expired after {expires_on}. Your reduction stays as it is.",
        ),
    ),
    POINTS_FUNDED: (
        Words(
            "待发放积分即将到账",
            "{occurred_on} 的“{action}”有 {points} 积分待发放,活动经费已补充,即将到账。",
        ),
        Words(
            "Waiting points are paid",
            "{points} points of {action} on {occurred_on} were waiting for money. It is there now,"
            " and they are being paid.",
        ),
    ),
    CREDIT_RESTATED: (
        Words(
            "减碳量有更正",
            "{occurred_on} 的“{action}”已更正:减碳量由 {before} 改为 {after},"
            "积分由 {points_before} 改为 {points}。原因:{reason}。",
        ),
        Words(
            "A credit was corrected",
            "{action} on {occurred_on} was corrected: the reduction from {before} to {after},"
            " points from {points_before} to {points}. Why: {reason}.",
        ),
    ),
    POINTS_STOP: (
        Words(
            "积分发放将停止",
            "“{fund}”将从 {stops_on} 起停止发放积分。此前的活动照常发放,减碳量照常记录。",
        ),
        Words(
            "Points will stop",
            "{fund} gives no points for activities from {stops_on} on. Earlier ones are paid as"
            " before, and reductions are recorded as before.",
        ),
    ),
    VOUCHER_FULFILLED: (
        Words("兑付成功", "“{reward}”已兑付,使用 {points} 积分,商户凭证号 {reference}。"),
        Words(
            "Reward fulfilled",
            "{reward} was handed over for {points} points. The merchant calls it {reference}.",
        ),
    ),
    VOUCHER_RETURNED: (
        Words("未能兑付,积分已退回", "商户未能兑付“{reward}”,{points} 积分已退回,可重新兑换。"),
        Words(
            "Reward not fulfilled, points returned",
            "The merchant could not hand over {reward}. {points} points are back; redeem again.",
        ),
    ),
    VOUCHER_UNDECIDED: (
        Words(
            "兑付结果核实中",
            "商户系统没有确认“{reward}”是否兑付,正在人工核实。"
            "{points} 积分仍为冻结状态,结果会通知您。",
        ),
        Words(
            "Reward is being looked into",
            "The merchant's system has not said whether it handed over {reward}. Somebody is"
            " finding out; your {points} points stay held until you hear from us.",
        ),
    ),
    PICKUP_MISSED: (
        Words("上门时无人", "{slot_on} 收运员上门时无人应答,请改约或取消这次预约。"),
        Words(
            "Nobody was at home",
            "The collector came on {slot_on} and met nobody. Choose another time, or cancel.",
        ),
    ),
    BAG_LAPSING: (
        Words("回收袋即将失效", "回收袋 {code} 还没有称重,{lapses_on} 起失效,请尽快交投。"),
        Words(
            "A bag lapses soon",
            "Bag {code} has not been weighed yet and lapses on {lapses_on}. Hand it in before.",
        ),
    ),
    BAG_LAPSED: (
        Words("回收袋已失效", "回收袋 {code} 没有在 14 天内称重,绑定已失效。可以领取新的回收袋。"),
        Words(
            "A bag has lapsed",
            "Bag {code} was not weighed within 14 days, so it has lapsed. You can take a new one.",
        ),
    ),
}
KINDS = frozenset(_TEMPLATES)


def words_of(notice: Stored, *, is_zh: bool, action_names: Mapping[str, str]) -> Words:
    """The notice in the reader's language; names of actions are given in that language."""
    template = _TEMPLATES[notice.kind][0 if is_zh else 1]
    readable = _readable(notice.arguments, is_zh=is_zh, action_names=action_names)
    return Words(template.title, template.text.format_map(readable))


def _readable(
    arguments: Arguments, *, is_zh: bool, action_names: Mapping[str, str]
) -> Mapping[str, str]:
    readable = {name: str(value) for name, value in arguments.items()}
    if "action" in arguments:
        readable["action"] = action_names.get(arguments["action"], arguments["action"])
    if "reason" in arguments:
        reason = REASONS.get(arguments["reason"])
        words = (reason.text_zh if is_zh else reason.text_en) if reason else arguments["reason"]
        readable["reason"] = words
    if "grams" in arguments:
        language: Final = "zh" if is_zh else "en"
        readable["before"] = format_reduction(arguments["grams_before"], language)
        readable["after"] = format_reduction(arguments["grams"], language)
    for name in ("fund", "reward"):
        if f"{name}_zh" in arguments:
            readable[name] = arguments[f"{name}_zh" if is_zh else f"{name}_en"]
    return readable
