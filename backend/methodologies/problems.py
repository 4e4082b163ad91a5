"""Refusals of this room as problem details; `backend/problems.py` takes them in."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.methodologies.domain import (
    ConsultationTooShort,
    FileStillDraft,
    FirstDayPassed,
    NotSimulated,
    ProposalDecided,
    ProposalOpen,
    StatusMoveNotAllowed,
    SuccessionNotPossible,
    VersionNotInstalled,
)
from backend.methodologies.simulations import (
    MethodologyFileFaulty,
    SimulationPeriodNotValid,
    TooManySimulations,
)

METHODOLOGY_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    StatusMoveNotAllowed: ProblemType(
        "status-move-not-allowed", 409, "不能这样变更状态", "Status move not allowed",
        "请按 allowed 中列出的下一步提出", "Propose one of the steps in `allowed`",
    ),
    NotSimulated: ProblemType(
        "not-simulated", 409, "尚未模拟", "Not simulated yet",
        "请先提交模拟并等它完成", "Run a simulation of this file and wait until it is done",
    ),
    ConsultationTooShort: ProblemType(
        "consultation-too-short", 409, "公示期未满", "Consultation too short",
        "请在 consultation_ends_at 之后批准", "Approve after `consultation_ends_at`",
    ),
    FirstDayPassed: ProblemType(
        "first-day-passed", 409, "生效日已到或已过", "First day has passed",
        "请另出一个生效日在今天之后的版本", "Make a version whose valid_from is after today",
    ),
    VersionNotInstalled: ProblemType(
        "version-not-installed", 409, "服务中没有这个版本的文件", "Version not installed",
        "请先部署包含该文件的版本", "Deploy the release that holds its file, then try again",
    ),
    FileStillDraft: ProblemType(
        "file-still-draft", 409, "文件仍标为草案", "File is still a draft",
        "请删去文件中的 [draft] 并部署,内容哈希不变",
        "Take the table [draft] out of the file and deploy it; the hash stays the same",
    ),
    SuccessionNotPossible: ProblemType(
        "succession-not-possible", 409, "与现行版本无法衔接", "Cannot follow the version in force",
        "请检查版本号和生效日期", "Check its number and its days against the version in force",
    ),
    ProposalOpen: ProblemType(
        "proposal-open", 409, "已有待决的提议", "A proposal waits already",
        "请先批准或否决它", "Approve or decline the one that waits",
    ),
    ProposalDecided: ProblemType(
        "proposal-decided", 409, "提议已有决定", "Proposal is decided",
        "请刷新后查看结果;如需变更,请另提", "Look at its outcome; make a new proposal for a change",
    ),
    MethodologyFileFaulty: ProblemType(
        "methodology-file-faulty", 422, "方法学文件有误", "Methodology file is faulty",
        "请按 faults 逐条修改", "Correct what each entry of `faults` says",
    ),
    SimulationPeriodNotValid: ProblemType(
        "simulation-period-not-valid", 422, "模拟时间段有误", "Simulation period not valid",
        "请给出不超过 366 天的时间段,更长的请用命令行",
        "Give at most 366 days; longer ones run on the command line",
    ),
    TooManySimulations: ProblemType(
        "too-many-simulations", 429, "正在进行的模拟过多", "Too many simulations",
        "请等前面的模拟完成", "Wait until one of those that run is done", {"Retry-After": "30"},
    ),
}  # fmt: skip
