"""The sentences that people read when pledges and certificates of trees are refused."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.trees.domain import (
    DeathsRecorded,
    MoreThanAlive,
    MoreThanPledged,
    NotTheHolder,
    PlantedInFuture,
    PlantingElsewhere,
    PlantingRecorded,
    ProjectElsewhere,
)

TREE_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    ProjectElsewhere: ProblemType(
        "tree-project-elsewhere", 403, "不是本单位的植树项目", "Not a project of yours",
        "请使用本单位项目的记录", "Use a pledge or planting of your own projects",
    ),
    MoreThanPledged: ProblemType(
        "more-than-pledged", 422, "株数超过认捐余数", "More than was pledged",
        "请按 left 登记", "Record at most `left` trees for this pledge",
    ),
    PlantingRecorded: ProblemType(
        "planting-recorded", 409, "这个栽植编号已登记", "Planting recorded",
        "请为另一次栽植使用新的 planting", "Give another planting a name of its own",
    ),
    PlantedInFuture: ProblemType(
        "planted-in-future", 422, "日期有误", "Day not plausible",
        "请填写已发生的日期,死亡日期不早于栽植日期",
        "Give a day that has come; trees are found dead after they were planted",
    ),
    MoreThanAlive: ProblemType(
        "more-than-alive", 422, "株数超过存活数", "More than are alive",
        "请按 alive 重新填写", "Give at most `alive` trees",
    ),
    DeathsRecorded: ProblemType(
        "deaths-recorded", 409, "这一天已登记过死亡株数", "Deaths recorded",
        "请核对已登记的株数,或按另一天登记", "Look at what is recorded, or record another day",
    ),
    NotTheHolder: ProblemType(
        "not-the-holder", 422, "姓名与认捐时不一致", "Not the holder's name",
        "请填写认捐时的姓名", "Give the name that the pledge was made for",
    ),
    PlantingElsewhere: ProblemType(
        "planting-elsewhere", 409, "这批树木已认证给他人", "Planting certified to somebody else",
        "请为证书持有人上报", "Report it for the holder of its certificate",
    ),
}  # fmt: skip
