"""The sentences that people read when the rules of campaigns and funds refuse."""

from collections.abc import Mapping

from backend.campaigns.domain import (
    BudgetInUse,
    CampaignDecided,
    CampaignOver,
    CampaignOverlaps,
    CampaignTooEarly,
    StopTooSoon,
)
from backend.errors import DomainError
from backend.http.problem import ProblemType

CAMPAIGN_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    CampaignOverlaps: ProblemType(
        "campaign-overlaps", 409, "与另一活动重叠", "Campaign overlaps",
        "请换日期、地区或场景,或先结束 campaign 中的活动",
        "Choose other days, regions or actions, or end the one in `campaign` first",
    ),
    CampaignTooEarly: ProblemType(
        "campaign-too-early", 409, "这一天已经开始或已过", "The day has begun",
        "积分规则只能改变尚未开始的日子,请选择之后的日期",
        "Rules change for days that have not begun; choose a later day",
    ),
    CampaignOver: ProblemType(
        "campaign-over", 409, "活动已结束,不能再批准", "Campaign is over",
        "请另提一份日期在今天之后的活动", "Propose it again with days that are still to come",
    ),
    CampaignDecided: ProblemType(
        "campaign-decided", 409, "已由他人批准", "Approved already",
        "请刷新后查看;如需变更,请另提", "Look at it again; propose a new change if one is needed",
    ),
    BudgetInUse: ProblemType(
        "budget-in-use", 409, "经费已有用途,不能释放这么多", "Budget in use",
        "最多可释放 available 积分;有待发放积分时不能释放",
        "Release at most `available` points, and nothing while points wait for the fund",
    ),
    StopTooSoon: ProblemType(
        "stop-too-soon", 409, "停止日须至少提前 7 天公告,且只公告一次", "Stop announced too late",
        "请选择不早于 earliest 的日期;已公告的不再改变",
        "Choose a day not before `earliest`; an announced stop does not move",
    ),
}  # fmt: skip
