"""The sentences that people read when a pickup or a collector's report is refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.recycling.pickups import (
    PickupClosed,
    PickupNotYours,
    PickupOpen,
    ReportNotClear,
    ReportReused,
    ReportTooOld,
    SlotNotBookable,
)
from backend.recycling.slots import SlotFull

PICKUP_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    SlotNotBookable: ProblemType(
        "slot-not-bookable", 422, "这个时段不可预约", "Slot not bookable",
        "请选择尚未开始、不晚于 until 的时段",
        "Choose a slot that has not begun, no later than `until`",
    ),
    SlotFull: ProblemType(
        "slot-full", 409, "这个时段已约满", "Slot full",
        "请改选 free 中的时段,或查看全部可约时段",
        "Choose one of the slots in `free`, or list all that are free",
    ),
    PickupOpen: ProblemType(
        "pickup-open", 409, "已有待上门的预约", "A pickup is open",
        "请改约或取消已有的预约,编号见 pickup_id", "Reschedule or cancel the one in pickup_id",
    ),
    PickupClosed: ProblemType(
        "pickup-closed", 409, "这次预约已结束", "Pickup closed",
        "如仍需上门,请重新预约", "Ask for another one if somebody shall come",
    ),
    PickupNotYours: ProblemType(
        "pickup-not-yours", 404, "没有指派给您的这项任务", "No such job of yours",
        "请刷新任务列表,或联系调度人员", "Load your list again, or ask who dispatches",
    ),
    ReportReused: ProblemType(
        "report-id-reused", 409, "这个编号已用于另一条上报", "Report id reused",
        "请为新的上报生成新的编号", "Make a new id for a new report",
    ),
    ReportTooOld: ProblemType(
        "report-too-old", 422, "上报时间超出范围", "Report out of time",
        "上报须在 7 天内,且不能晚于现在;请检查手机时间",
        "Report within seven days, never ahead of time; check the phone's clock",
    ),
    ReportNotClear: ProblemType(
        "report-not-clear", 422, "上报内容有误", "Report not clear",
        "收取时给出 code,改约时给出 day 和 slot,其他不填",
        "Give `code` with picked_up, `day` and `slot` with rescheduled, and nothing else",
    ),
}  # fmt: skip
