"""The sentences that people read when their own reports are refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.intake.controls.steps import ListNotComplete
from backend.intake.events.domain import CorrectionTooWide, EventIdReused, EventTypeUnknown
from backend.intake.no_drive import (
    OdometerPhotoApart,
    OdometerPhotoMissing,
    OdometersNotOfOneDay,
    OutsideOdometerWindow,
    PlateNotClear,
    PlateNotEligible,
)
from backend.intake.tally import AmountNotPlausible, DayReversed

EVENT_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    EventTypeUnknown: ProblemType(
        "event-type-unknown", 422, "不接收这种类型的事件", "Event type unknown",
        "可接收的类型见 /v1/event-types", "Use a type that /v1/event-types lists",
    ),
    EventIdReused: ProblemType(
        "event-id-reused", 409, "这个事件编号已用于其他内容", "Event id reused",
        "更正请发送 corrected 事件,新的事件请使用新的编号",
        "Send a corrected event for a change, and a new id for another event",
    ),
    ListNotComplete: ProblemType(
        "list-not-complete", 409, "尚未逐条列出全部事件", "The list is not complete",
        "请上报当日全部事件的清单,已列 listed 条,共 count 条",
        "List all events of the day in parts; `listed` of `count` are here",
    ),
    CorrectionTooWide: ProblemType(
        "correction-too-wide", 422, "更正的内容超出范围", "Correction too wide",
        "类型、方式和开始时间不能更正,请撤回后用新的编号重新上报",
        "Kind, mode and start cannot be corrected; withdraw the event and report it anew",
    ),
}  # fmt: skip

OWN_REPORT_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    AmountNotPlausible: ProblemType(
        "amount-not-plausible", 422, "数量超出一天的合理范围", "Amount not plausible",
        "请检查数量,一天的上限见 amount_max", "Check the amount; a day's limit is amount_max",
    ),
    DayReversed: ProblemType(
        "day-reversed", 409, "这一天的申报已更正", "Day reversed",
        "如有疑问请联系项目运营方", "Ask the programme if you see it differently",
    ),
    OutsideOdometerWindow: ProblemType(
        "outside-odometer-window", 422, "不在里程表拍摄时段", "Outside odometer times",
        "请在早上 until 之前或晚上 opens 之后拍摄",
        "Take it in the morning before `until`, or in the evening after `opens`",
    ),
    OdometersNotOfOneDay: ProblemType(
        "odometers-not-of-one-day", 422, "需要同一天早晚各一次拍照", "Not of one day",
        "请使用同一天早上和晚上的拍照", "Use the morning and the evening capture of one day",
    ),
    OdometerPhotoMissing: ProblemType(
        "odometer-photo-missing", 422, "还缺一张里程表照片", "Odometer photo missing",
        "请先上传照片,缺少的是 missing", "Send the photo first; `missing` says which",
    ),
    OdometerPhotoApart: ProblemType(
        "odometer-photo-apart", 422, "里程表照片请单独上传", "Send odometer photos apart",
        "请上传到这次拍照的 evidence 地址", "Send it to /v1/captures/{id}/evidence",
    ),
    PlateNotClear: ProblemType(
        "plate-not-clear", 422, "车牌号有误", "Plate not clear",
        "请填写完整车牌号,例如 浙A12345", "Give the whole plate, such as 浙A12345",
    ),
    PlateNotEligible: ProblemType(
        "plate-not-eligible", 422, "新能源车不适用停驶日", "Plate not eligible",
        "停驶日只计算燃油车", "A no-drive day counts for fuel cars only",
    ),
}  # fmt: skip
