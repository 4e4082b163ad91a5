"""Every refusal of the rooms, mapped to one row of problem details; the sentences that people read.

HTTP's own refusals have their rows in `http/refusals.py`. A class that is missing here is found by
its base; a test holds that every refusal has a row.
"""

from collections.abc import Mapping

from backend.batches import ItemImpossible, OutcomeUnknown, Overloaded
from backend.campaigns.problem_rows import CAMPAIGN_PROBLEMS
from backend.canteens.problem_rows import CANTEEN_PROBLEMS
from backend.cards.problem_rows import CARD_PROBLEMS
from backend.crediting.calculation_routes import NothingCalculated
from backend.crediting.domain import ActivityNotCovered, EvidenceAlreadyUsed
from backend.crediting.problem_rows import CREDITING_PROBLEMS
from backend.errors import DomainError, SecondPersonNeeded
from backend.evidence_store import EvidenceMissing, EvidenceUnavailable
from backend.http.problem import ProblemType
from backend.idempotency import IdempotencyKeyReused
from backend.intake.bag_problem_rows import BAG_PROBLEMS
from backend.intake.domain import (
    ActionNotPhotographed,
    CaptureExpired,
    CaptureUsed,
    DistanceNeeded,
    DistanceNotPlausible,
    EvidenceTooLate,
    OutsideMealWindow,
    RetriesUsedUp,
    TimeNotPlausible,
)
from backend.intake.pickup_problem_rows import PICKUP_PROBLEMS
from backend.intake.problem_rows import EVENT_PROBLEMS, OWN_REPORT_PROBLEMS
from backend.intake.routes import SubjectTokenMisplaced
from backend.intake.uploads import PhotoRefused, PhotoTypeRefused
from backend.ledger.domain import HoldResolved
from backend.marine.problem_rows import MARINE_PROBLEMS
from backend.meters.problem_rows import METER_PROBLEMS
from backend.methodologies.problems import METHODOLOGY_PROBLEMS
from backend.partners.problem_rows import PARTNER_PROBLEMS
from backend.processes import WorkersUnavailable
from backend.reports.routes import PeriodNotValid
from backend.review.problem_rows import REVIEW_PROBLEMS
from backend.rewards.problem_rows import REWARD_PROBLEMS
from backend.trees.problem_rows import TREE_PROBLEMS
from backend.webhooks.problem_rows import WEBHOOK_PROBLEMS

_RETRY_SOON = {"Retry-After": "2"}

PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    **WEBHOOK_PROBLEMS,
    SecondPersonNeeded: ProblemType(
        "second-person-needed", 403, "须由另一人批准", "A second person is needed",
        "请让另一位有权限的人批准", "Let somebody else who has the role approve it",
    ),
    Overloaded: ProblemType(
        "overloaded", 503, "系统繁忙", "Overloaded",
        "请稍后重试", "Wait for the seconds in Retry-After, then try again", _RETRY_SOON,
    ),
    OutcomeUnknown: ProblemType(
        "outcome-unknown", 503, "结果未知", "Outcome unknown",
        "请用同一个请求重试,不会重复计入", "Send the same request again; it takes effect once",
        _RETRY_SOON,
    ),
    ItemImpossible: ProblemType(
        "not-storable", 422, "内容无法保存", "Not storable",
        "请检查内容后重试", "Check the values and send them again",
    ),
    IdempotencyKeyReused: ProblemType(
        "idempotency-key-reused", 422, "这个 Idempotency-Key 已用于其他请求", "Idempotency-Key"
        " reused",
        "请为新的操作生成新的键", "Make a new key for a new effect",
    ),
    EvidenceAlreadyUsed: ProblemType(
        "evidence-already-used", 409, "这张照片或这次行为已用过", "Evidence already used",
        "每次行为只计一次,请为新的一次拍照或上报", "Each real thing counts once; report a new one",
    ),
    ActivityNotCovered: ProblemType(
        "activity-not-covered", 422, "暂无适用的方法学", "No methodology covers this",
        "请检查日期、地区和数量", "Check the date, the region and the quantities",
    ),
    NothingCalculated: ProblemType(
        "nothing-calculated", 404, "尚无计算过程", "Nothing calculated yet",
        "入账后可查看计算过程", "Look again once the check-in is credited",
    ),
    EvidenceMissing: ProblemType(
        "evidence-missing", 404, "没有找到照片", "Evidence missing",
        "照片可能已按保存期限删除", "It may have been deleted at the end of its retention",
    ),
    EvidenceUnavailable: ProblemType(
        "evidence-unavailable", 503, "暂时无法保存照片", "Evidence store down",
        "请稍后用同一次拍照重试", "Send the same photo again in a moment", _RETRY_SOON,
    ),
    WorkersUnavailable: ProblemType(
        "workers-unavailable", 503, "暂时无法处理照片", "Photos cannot be processed now",
        "请稍后用同一次拍照重试", "Send the same photo again in a moment", _RETRY_SOON,
    ),
    ActionNotPhotographed: ProblemType(
        "action-not-photographed", 422, "这个场景不用拍照", "Not shown by a photo",
        "请选择光盘打卡", "Choose clean_plate",
    ),
    CaptureExpired: ProblemType(
        "capture-expired", 422, "这次拍照已超过 24 小时", "Capture expired",
        "请重新拍一张", "Make a new capture and take a new photo",
    ),
    CaptureUsed: ProblemType(
        "capture-used", 409, "这次拍照已上传过另一张照片", "Capture used",
        "请重新拍照", "Make a new capture for another photo",
    ),
    RetriesUsedUp: ProblemType(
        "retries-used-up", 422, "本餐的重拍次数已用完", "Retries used up",
        "下一餐再来打卡吧", "Come back for the next meal",
    ),
    OutsideMealWindow: ProblemType(
        "outside-meal-window", 422, "不在用餐时段", "Outside meal windows",
        "请在用餐时段打卡,开始时间见 opens_at", "Come back when the next window opens (opens_at)",
    ),
    TimeNotPlausible: ProblemType(
        "time-not-plausible", 422, "时间有误", "Time not plausible",
        "请检查开始和结束时间", "Check when it began and ended",
    ),
    EvidenceTooLate: ProblemType(
        "evidence-too-late", 422, "已超过上报期限", "Too late",
        "请在期限内上报,期限见 days", "Report within the number of days given",
    ),
    DistanceNeeded: ProblemType(
        "distance-needed", 422, "需要里程", "Distance needed",
        "请填写里程(米)", "Give distance_m",
    ),
    DistanceNotPlausible: ProblemType(
        "distance-not-plausible", 422, "里程与时间不符", "Distance not plausible",
        "请检查里程和时间", "Check the distance and the times",
    ),
    PhotoRefused: ProblemType(
        "photo-unreadable", 422, "无法读取这张照片", "Photo unreadable",
        "请重新拍一张清晰的照片上传", "Take a new photo and send it",
    ),
    PhotoTypeRefused: ProblemType(
        "photo-type", 415, "请选择 JPEG", "Choose JPEG",
        "请在相机设置中选择“兼容性最佳”或改发 JPEG", "Set the camera to most compatible, or send"
        " JPEG",
    ),
    SubjectTokenMisplaced: ProblemType(
        "subject-token-misplaced", 422, "subject_token 使用有误", "subject_token misplaced",
        "合作方上报须带 subject_token,本人上报不带",
        "Partners name their customer by subject_token; members do not",
    ),
    HoldResolved: ProblemType(
        "hold-resolved", 409, "这笔冻结已处理", "Hold resolved",
        "请刷新后查看结果", "Look at the outcome",
    ),
    PeriodNotValid: ProblemType(
        "period-not-valid", 422, "时间段有误", "Period not valid",
        "请给出不超过 366 天的时间段", "Give a period of at most 366 days",
    ),
    **BAG_PROBLEMS,
    **PICKUP_PROBLEMS,
    **CAMPAIGN_PROBLEMS,
    **CANTEEN_PROBLEMS,
    **CARD_PROBLEMS,
    **CREDITING_PROBLEMS,
    **MARINE_PROBLEMS,
    **METER_PROBLEMS,
    **METHODOLOGY_PROBLEMS,
    **EVENT_PROBLEMS,
    **OWN_REPORT_PROBLEMS,
    **PARTNER_PROBLEMS,
    **REVIEW_PROBLEMS,
    **REWARD_PROBLEMS,
    **TREE_PROBLEMS,
}  # fmt: skip
