"""The sentences that people read when a reading or an average is refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.meters.domain import AverageDecided, BaselineUnknown

METER_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    BaselineUnknown: ProblemType(
        "baseline-unknown", 422, "该地区尚无人均用量", "No average of this region",
        "读数已保存;请运营人员公布该地区的人均日用量",
        "The reading is kept; ask the operator to publish the region's average",
    ),
    AverageDecided: ProblemType(
        "average-decided", 409, "该日起的人均用量已公布", "Average decided",
        "请用更晚的 valid_from 提出新的人均用量", "Propose one with a later valid_from",
    ),
}  # fmt: skip
