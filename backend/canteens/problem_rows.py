"""The sentences that people read when the rules of canteens and their devices refuse."""

from collections.abc import Mapping

from backend.canteens.refusals import (
    CanteenUnknown,
    DeviceCodeNotValid,
    DeviceKeyUsed,
    DeviceNotEnrolled,
    DeviceSuspended,
    DeviceUnknown,
    TrayAlreadyClaimed,
    TrayClaimTooLate,
    TrayCodeUsed,
    TraySequenceUsed,
    TraySubjectNotClear,
    WasteDayNotValid,
)
from backend.errors import DomainError
from backend.http.problem import ProblemType

CANTEEN_PROBLEMS: Mapping[type[DomainError], ProblemType] = {
    CanteenUnknown: ProblemType(
        "canteen-unknown", 404, "没有这个食堂或合作方", "Canteen or partner unknown",
        "请检查编号", "Check the id",
    ),
    DeviceCodeNotValid: ProblemType(
        "device-code-not-valid", 422, "设备绑定码无效或已过期", "Device code not valid",
        "请运营人员重新生成绑定码,10 分钟内有效",
        "Ask the operator for a new code; it lives for 10 minutes",
    ),
    DeviceKeyUsed: ProblemType(
        "device-key-used", 409, "该公钥已属于另一台设备", "Another device's key",
        "请在设备上生成新的 Ed25519 密钥", "Make a new Ed25519 key on the device",
    ),
    DeviceNotEnrolled: ProblemType(
        "device-not-enrolled", 409, "设备尚未绑定", "Device not enrolled yet",
        "请先用绑定码绑定设备", "Enrol it with its code first",
    ),
    DeviceUnknown: ProblemType(
        "device-unknown", 403, "设备未绑定或已更换密钥", "Key of no device",
        "请用新的绑定码重新绑定设备", "Enrol the device again with a new code",
    ),
    DeviceSuspended: ProblemType(
        "device-suspended", 403, "设备已停用", "Device suspended",
        "请联系运营人员恢复,恢复前请保留待发送的照片",
        "Ask the operator, and keep what is queued until then",
    ),
    TraySubjectNotClear: ProblemType(
        "tray-subject-not-clear", 422, "餐盘归属不明确", "Whose tray is not clear",
        "请只给出 subject_token 或 tray_code 之一", "Give either subject_token or tray_code",
    ),
    TraySequenceUsed: ProblemType(
        "tray-sequence-used", 409, "该序号已用于另一个餐盘", "Sequence used for another tray",
        "请为新的餐盘使用下一个序号,不要重发这一条", "Count on; do not send this one again",
    ),
    TrayCodeUsed: ProblemType(
        "tray-code-used", 409, "该餐盘码已用过", "Tray code used before",
        "请为每个餐盘生成新的随机码", "Make a new random code for each tray",
    ),
    TrayAlreadyClaimed: ProblemType(
        "tray-already-claimed", 409, "这个餐盘已被他人认领", "Tray claimed by somebody else",
        "请扫描自己餐盘旁显示的码", "Scan the code that is shown for your own tray",
    ),
    TrayClaimTooLate: ProblemType(
        "tray-claim-too-late", 409, "扫码超时", "Scanned too late",
        "请在放盘后 20 秒内扫码,或改用手机拍照打卡",
        "Scan within 20 s, or take a photo with your phone",
    ),
    WasteDayNotValid: ProblemType(
        "waste-day-not-valid", 422, "日期有误", "Day not valid",
        "请填写今天或过去 400 天内的日期;报表不超过 366 天",
        "Give a day up to today, at most 400 days ago; a report has at most 366 days",
    ),
}  # fmt: skip
