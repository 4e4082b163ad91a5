"""Why a recycling bag stands where it stands."""

from typing import Final

from backend.checkins.upload_reasons import Reason

BAG_NOT_WEIGHED: Final = "bag_not_weighed"
BAG_REPORTED_LOST: Final = "bag_reported_lost"
BAG_WEIGHT_IN_DOUBT: Final = "bag_weight_in_doubt"
BAG_SORTED: Final = "bag_sorted"

BAG_REASONS: Final = (
    Reason(
        BAG_NOT_WEIGHED,
        "14 天内没有称重,绑定已失效",
        "It was not weighed within 14 days, so the binding has lapsed",
        "请领取新的回收袋,绑定后尽快交投",
        "Take a new bag, and hand it in soon after binding it",
    ),
    Reason(
        BAG_REPORTED_LOST,
        "您已报告这个回收袋丢失",
        "You have reported this bag lost",
        "可以领取并绑定新的回收袋",
        "You can take and bind a new bag",
    ),
    Reason(
        BAG_WEIGHT_IN_DOUBT,
        "称重结果偏离常见范围,工作人员正在核实",
        "The weight is out of the usual range, so a person will look at it",
        "核实后自动入账,请等待结果",
        "It is credited by itself once it is confirmed; there is nothing to do",
    ),
    Reason(
        BAG_SORTED,
        "分拣完成,按材料重新计算",
        "The bag was sorted, so its materials count instead of the lowest factor",
        "在打卡详情里可以看到各种材料的重量",
        "The check-in shows the grams of each material",
    ),
)
