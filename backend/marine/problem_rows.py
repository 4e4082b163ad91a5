"""The sentences that people read when the custody of marine plastic is refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.marine.domain import (
    HandInGathered,
    HandInLapsed,
    HandInNotWeighed,
    HandInPaid,
    HandInUnknown,
    HandInWeighed,
    LotElsewhere,
    LotUnknown,
    LotWithdrawn,
    MassNotBalanced,
    MaterialNotMadeHere,
    MaterialsMixed,
    MoreThanLeft,
    PayoutPeriodNotValid,
    PayoutsTooMany,
    ShoreWeighingNotClear,
    SiteElsewhere,
    StepBuiltUpon,
    StepNotWithdrawn,
    StepOutOfOrder,
)

MARINE_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    SiteElsewhere: ProblemType(
        "marine-site-elsewhere", 403, "不是本单位的站点,或站点类型不符", "Not a site of yours",
        "请使用本单位对应环节的站点", "Use a site of yours that is of the right stage",
    ),
    HandInUnknown: ProblemType(
        "hand-in-unknown", 404, "没有找到这次交投", "Hand-in unknown",
        "请核对交投码后重试", "Read the member's code again",
    ),
    HandInLapsed: ProblemType(
        "hand-in-lapsed", 409, "交投预约已超过 7 天", "Hand-in lapsed",
        "请重新预约交投", "Ask for a new hand-in",
    ),
    HandInWeighed: ProblemType(
        "hand-in-weighed", 409, "这次交投已称重", "Hand-in weighed",
        "首次结果为 mass_g,新的一批请重新预约",
        "The first weight is mass_g; ask for a new hand-in for another load",
    ),
    HandInNotWeighed: ProblemType(
        "hand-in-not-weighed", 409, "这次交投还没有称重", "Hand-in not weighed",
        "请先称重", "Weigh it first",
    ),
    HandInGathered: ProblemType(
        "hand-in-gathered", 409, "这次交投已归入批次", "Hand-in gathered",
        "请从 hand_ins 中去掉它", "Leave it out of `hand_ins`",
    ),
    HandInPaid: ProblemType(
        "hand-in-paid", 409, "这次交投已付款", "Hand-in paid",
        "每次交投只付一次,请核对付款记录", "Each hand-in is paid once; look at its payout",
    ),
    LotUnknown: ProblemType(
        "lot-unknown", 404, "没有找到这个批次", "Lot unknown",
        "请核对批次码后重试", "Read the code of the lot again",
    ),
    LotElsewhere: ProblemType(
        "lot-elsewhere", 409, "批次不在前一环节", "Lot elsewhere",
        "批次只能向后一环节移动:岸、港、分拣、再生",
        "Lots move on only: shore, port, sorter, recycler",
    ),
    MoreThanLeft: ProblemType(
        "more-than-left", 422, "取出的质量超过批次余量", "More than is left",
        "请按 left_g 重新填写", "Take at most left_g",
    ),
    LotWithdrawn: ProblemType(
        "lot-withdrawn", 409, "批次的登记已撤回", "Lot withdrawn",
        "请使用替代步骤的批次;原料已退回原批次",
        "Use the lots of the step in its place; what it was made of is back in its lots",
    ),
    StepBuiltUpon: ProblemType(
        "step-built-upon", 409, "后续步骤已使用其产出", "Later steps have taken from it",
        "请先撤回从 lots 中取料的步骤", "Withdraw the steps that took from `lots` first",
    ),
    StepNotWithdrawn: ProblemType(
        "step-not-withdrawn", 409, "被替代的步骤未撤回", "Step not withdrawn",
        "replaces 须为本站点已撤回且尚无替代的步骤",
        "Let `replaces` name a withdrawn step of this site that none has replaced, or leave it out",
    ),
    MaterialsMixed: ProblemType(
        "materials-mixed", 422, "一步只能处理一种材料", "Materials mixed",
        "请按材料分别登记", "Record one step for each material",
    ),
    MaterialNotMadeHere: ProblemType(
        "material-not-made-here", 422, "该站点不能产出这种材料", "Material not made here",
        "只有分拣站产出 sorted_plastic,只有再生厂产出 product",
        "Only a sorter makes sorted_plastic, only a recycler makes a product",
    ),
    MassNotBalanced: ProblemType(
        "mass-not-balanced", 422, "质量不平衡", "Mass not balanced",
        "产出与损耗之和须等于投入;差额请填写损耗及原因",
        "What is made and lost is what was taken; state the difference as a loss with its reason",
    ),
    StepOutOfOrder: ProblemType(
        "step-out-of-order", 422, "时间顺序有误", "Step out of order",
        "请填写真实发生时间,不早于材料到达,不晚于现在",
        "Give the time at which it happened: after the material was there, not in the future",
    ),
    ShoreWeighingNotClear: ProblemType(
        "shore-weighing-not-clear", 422, "交投人有误", "Whose hand-in is not clear",
        "请只给出交投码 code 或 subject_token 之一;未注册的人都不填",
        "Give either code or subject_token; neither for somebody unregistered",
    ),
    PayoutPeriodNotValid: ProblemType(
        "payout-period-not-valid", 422, "时间段有误", "Period not valid",
        "请给出不超过 366 天的时间段", "Give a period of at most 366 days",
    ),
    PayoutsTooMany: ProblemType(
        "payouts-too-many", 422, "付款记录过多", "Too many payouts for one file",
        "请缩短时间段", "Ask for a shorter period",
    ),
}  # fmt: skip
