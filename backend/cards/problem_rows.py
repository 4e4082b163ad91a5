"""The sentences that people read when the rules of cards refuse."""

from collections.abc import Mapping

from backend.cards.refusals import (
    CardHeld,
    CardLocked,
    CardNotBlank,
    CardNotHeld,
    CardNotValid,
    PinTooSimple,
    PinWrong,
    RequestElsewhere,
)
from backend.errors import DomainError
from backend.http.problem import ProblemType

CARD_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    CardNotValid: ProblemType(
        "card-not-valid", 422, "这张卡不能使用", "Card not valid",
        "请持卡人到服务台处理", "Ask the holder to go to the desk",
    ),
    CardLocked: ProblemType(
        "card-locked", 423, "密码错误次数过多,卡已锁定", "Card locked",
        "请持卡人到服务台重设密码", "Ask the holder to set another PIN at the desk",
    ),
    CardNotBlank: ProblemType(
        "card-not-blank", 409, "这张卡已有人使用", "Card in use",
        "请换一张空白卡", "Take a blank card",
    ),
    CardHeld: ProblemType(
        "card-held", 409, "该会员已有一张卡", "Member has a card",
        "如卡已遗失,请办理补卡", "Replace the card if it is lost",
    ),
    CardNotHeld: ProblemType(
        "card-not-held", 409, "这张卡没有持卡人或已被补卡", "Card without a holder",
        "请核对卡号", "Check the card's number",
    ),
    PinWrong: ProblemType(
        "pin-wrong", 422, "密码错误", "PIN wrong",
        "请重新输入,剩余次数见 tries_left", "Type it again; `tries_left` says how often",
    ),
    PinTooSimple: ProblemType(
        "pin-too-simple", 422, "密码过于简单", "PIN too simple",
        "请避免六个相同数字或连续数字", "Choose six digits that are neither equal nor a run",
    ),
    RequestElsewhere: ProblemType(
        "request-elsewhere", 403, "只能在扫卡的收银台输入密码", "Another till scanned the card",
        "请在扫卡的收银台输入,或重新扫卡",
        "Type it at the till that scanned the card, or scan again",
    ),
}  # fmt: skip
