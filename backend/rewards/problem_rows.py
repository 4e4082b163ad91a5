"""The sentences that people read when the rules of rewards refuse."""

from collections.abc import Mapping

from backend.errors import DomainError
from backend.http.problem import ProblemType
from backend.ledger.domain import InsufficientPoints
from backend.rewards.refusals import (
    AccountTooYoung,
    CallEndpointMissing,
    CorrectionAsked,
    CorrectionDecided,
    LimitReached,
    ManagerNeeded,
    MemberCodeNotValid,
    NothingToClose,
    NotStaff,
    OutOfStock,
    PartnerCallDecided,
    PartnerCallGoesOn,
    PeriodNotOver,
    PeriodStated,
    PhoneNotBound,
    ProjectEnded,
    RecipientNotClear,
    RequestDecided,
    RequestExpired,
    RewardElsewhere,
    RewardNotOffered,
    RewardTermsNotClear,
    SettlementUndone,
    StaffElsewhere,
    StatementDecided,
    StatementTooLong,
    TicketAlreadyUsed,
    TillCodeNotValid,
    TillUnknown,
    UndoElsewhere,
    UndoTooLate,
    VoucherAlreadyExpired,
    VoucherAlreadySettled,
    VoucherAlreadyUndone,
    VoucherAlreadyVoided,
    VoucherBeingFulfilled,
    VoucherCodeMistyped,
)

REWARD_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    InsufficientPoints: ProblemType(
        "insufficient-points", 422, "可用积分不足", "Not enough points",
        "继续打卡即可获得积分", "Check in to earn more",
    ),
    NotStaff: ProblemType(
        "not-staff", 403, "您还不是商户员工,或没有这项权限", "Not staff of a merchant",
        "请商户管理员为您的账号开通权限", "Ask the merchant's manager to add your sign-in",
    ),
    StaffElsewhere: ProblemType(
        "staff-elsewhere", 409, "这个账号已属于另一家商户", "Works for another merchant",
        "请换一个账号,或先由原商户停用,再由运营人员指定为管理员",
        "Use another sign-in, or have her dismissed there and named manager by an operator",
    ),
    ManagerNeeded: ProblemType(
        "manager-needed", 409, "这是商户唯一的管理员", "The merchant's only manager",
        "请先添加另一位管理员", "Add another manager first",
    ),
    TillCodeNotValid: ProblemType(
        "till-code-not-valid", 422, "绑定码无效或已过期", "Enrolment code not valid",
        "请管理员重新生成绑定码", "Ask the manager for a new code",
    ),
    TillUnknown: ProblemType(
        "till-unknown", 403, "收银台未绑定", "Till not enrolled",
        "请先绑定收银台", "Enrol the till first",
    ),
    RewardNotOffered: ProblemType(
        "reward-not-offered", 422, "该权益目前不可兑换", "Not offered at this time",
        "请查看有效期或选择其他权益", "Look at its dates, or choose another reward",
    ),
    RewardElsewhere: ProblemType(
        "reward-elsewhere", 422, "该权益不适用于当前地区", "For other regions",
        "请在适用地区兑换,见 regions", "Redeem it in one of `regions`",
    ),
    RewardTermsNotClear: ProblemType(
        "reward-terms-not-clear", 422, "权益条款有矛盾", "Terms contradict each other",
        "请检查有效期、限兑周期和库存", "Check the dates, the limit with its period, and the stock",
    ),
    OutOfStock: ProblemType(
        "out-of-stock", 409, "已兑完", "Out of stock",
        "请选择其他权益", "Choose another reward",
    ),
    LimitReached: ProblemType(
        "limit-reached", 409, "已达兑换上限", "Limit reached",
        "下个周期可再次兑换,或选择其他权益",
        "Come back in the next period, or choose another reward",
    ),
    PhoneNotBound: ProblemType(
        "phone-not-bound", 403, "首次兑换前请绑定手机号", "Phone number needed",
        "请先绑定手机号并重新登录", "Verify a phone number, sign in again and redeem",
    ),
    AccountTooYoung: ProblemType(
        "account-too-young", 403, "新账户暂不能兑换", "Account too young",
        "首次兑换需等到 redeem_from", "The first redemption is open from `redeem_from`",
    ),
    VoucherAlreadySettled: ProblemType(
        "voucher-already-settled", 409, "已核销", "Already settled",
        "该券已使用,核销时间见 settled_at", "It was used at `settled_at`",
    ),
    VoucherAlreadyVoided: ProblemType(
        "voucher-already-voided", 409, "该券已被退回", "Voided by the member",
        "积分已退回,请重新兑换", "The points went back; redeem again",
    ),
    VoucherAlreadyUndone: ProblemType(
        "voucher-already-undone", 409, "该券已撤销核销", "Settlement undone",
        "积分已退回,请重新兑换", "The points went back; redeem again",
    ),
    VoucherAlreadyExpired: ProblemType(
        "voucher-already-expired", 409, "该券已过期", "Voucher expired",
        "积分会自动退回,请重新兑换", "The points go back by themselves; redeem again",
    ),
    VoucherBeingFulfilled: ProblemType(
        "voucher-being-fulfilled", 409, "正在兑付", "Being fulfilled",
        "请等待商户系统确认,结果会通知您",
        "Wait for the merchant's system; you are told what came of it",
    ),
    RecipientNotClear: ProblemType(
        "recipient-not-clear", 422, "充值对象有误", "Recipient not clear",
        "请按 recipient 给出手机号或账号,无需时不要填写",
        "Give what `recipient` says, a phone number or an account, and nothing where it is null",
    ),
    CallEndpointMissing: ProblemType(
        "call-endpoint-missing", 409, "尚未设置直充接口", "No call endpoint",
        "请先设置直充接口地址", "Set where your system is called, then offer the reward",
    ),
    PartnerCallGoesOn: ProblemType(
        "partner-call-goes-on", 409, "仍在向商户系统确认", "Partner is still asked",
        "请在 ask_until 之后再核实", "Decide after `ask_until` of the call",
    ),
    PartnerCallDecided: ProblemType(
        "partner-call-decided", 409, "结果已确定", "Outcome is known",
        "请刷新后查看结果", "Look at the outcome of the call",
    ),
    VoucherCodeMistyped: ProblemType(
        "voucher-code-mistyped", 422, "券码有误", "Code mistyped",
        "请核对 12 位数字", "Compare the twelve digits and type them again",
    ),
    TicketAlreadyUsed: ProblemType(
        "ticket-already-used", 409, "该小票号已核销过另一张券", "Ticket used",
        "请检查小票号", "Check the ticket number; one ticket settles one voucher",
    ),
    UndoTooLate: ProblemType(
        "undo-too-late", 409, "已超过 10 分钟,不能撤销", "Too late to undo",
        "请联系运营人员更正", "Ask the operator for a correction",
    ),
    UndoElsewhere: ProblemType(
        "undo-elsewhere", 403, "只能在原收银台撤销", "Another till settled it",
        "请在核销时的收银台撤销", "Undo it at the till that settled it",
    ),
    SettlementUndone: ProblemType(
        "settlement-undone", 409, "该笔核销已撤销", "Settlement taken back before",
        "积分已退回,无需更正", "The points went back; there is nothing to correct",
    ),
    CorrectionAsked: ProblemType(
        "correction-asked", 409, "这笔核销已有更正申请", "Correction proposed before",
        "请查看已有的申请,编号见 correction_id", "See the proposal named by `correction_id`",
    ),
    CorrectionDecided: ProblemType(
        "correction-decided", 409, "这项更正申请已处理", "Correction decided",
        "请刷新后查看结果", "Look at the outcome",
    ),
    MemberCodeNotValid: ProblemType(
        "member-code-not-valid", 422, "会员码无效或已使用", "Member code not valid",
        "请会员刷新会员码后重新扫描", "Let the member refresh the code and scan it again",
    ),
    RequestDecided: ProblemType(
        "request-decided", 409, "该请求已处理", "Request decided",
        "请刷新后查看结果", "Look at the outcome",
    ),
    NothingToClose: ProblemType(
        "nothing-to-close", 409, "本班次没有核销", "Nothing to close",
        "有核销后再交班", "Close the shift after something was settled",
    ),
    PeriodNotOver: ProblemType(
        "period-not-over", 422, "结算期尚未结束", "Period not over",
        "请在最后一天结束 15 分钟后再出结算单",
        "Make the statement fifteen minutes after its last day",
    ),
    PeriodStated: ProblemType(
        "period-stated", 409, "该期间已出结算单", "Period has its statement",
        "请选择 first_day 之后的日期", "Choose a last day on or after `first_day`",
    ),
    StatementDecided: ProblemType(
        "statement-decided", 409, "结算单状态已变更", "Statement has gone on",
        "请刷新后查看结算单状态", "Look at its status",
    ),
    StatementTooLong: ProblemType(
        "statement-too-long", 422, "明细过多,无法生成文件", "Too long for a file",
        "请按页读取明细", "Read its lines page by page",
    ),
    ProjectEnded: ProblemType(
        "project-ended", 409, "该项目已结束", "Project ended",
        "请选择其他公益项目", "Choose another project",
    ),
    RequestExpired: ProblemType(
        "request-expired", 409, "确认超时", "Not confirmed in time",
        "请收银员重新扫描会员码", "Let the cashier scan a fresh member code",
    ),
}  # fmt: skip
