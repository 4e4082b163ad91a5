"""Why a check-in stands where it stands, in words that teach and never accuse.

A reason is a stable code in the database; the words are here, in both languages, each with one hint
what to do next time. A screen shows the words, a program reads the code.
"""

from collections.abc import Mapping
from typing import Final

from backend.checkins.bag_reasons import BAG_REASONS
from backend.checkins.correction_reasons import CORRECTION_REASONS
from backend.checkins.upload_reasons import UPLOAD_REASONS, Reason

NO_PLATE: Final = "no_plate"
LEFTOVERS: Final = "leftovers"
RESIDUE: Final = "residue"
RECAPTURED: Final = "recaptured"
EDITED: Final = "edited"
APPEALED: Final = "appealed"
LOOKS_LIKE_EARLIER_PHOTO: Final = "looks_like_earlier_photo"
COPY_OF_EARLIER_PHOTO: Final = "copy_of_earlier_photo"
PHOTO_ALREADY_USED: Final = "photo_already_used"
ALREADY_COUNTED: Final = "already_counted"
MEAL_ALREADY_COUNTED: Final = "meal_already_counted"
OUTSIDE_MEAL_WINDOW: Final = "outside_meal_window"
RETRIES_USED_UP: Final = "retries_used_up"
CAPTURED_TOO_LATE: Final = "late_photo"
TOO_LATE: Final = "late"
NOT_COVERED: Final = "not_covered"

_PHOTO = (
    Reason(
        NO_PLATE,
        "没看到餐盘",
        "No plate was seen",
        "请把整个餐盘放进画面,从上方再拍一张",
        "Take it again from above, with the whole plate in the picture",
    ),
    Reason(
        "too_dark",
        "照片太暗",
        "The photo is too dark",
        "请到亮一点的地方,或打开灯再拍一张",
        "Take it again where there is more light",
    ),
    Reason(
        "too_blurry",
        "照片太模糊",
        "The photo is too blurry",
        "请拿稳手机,对焦后再拍一张",
        "Hold the phone still, let it focus and take it again",
    ),
    Reason(
        LEFTOVERS,
        "餐盘里还有剩余",
        "There is still food on the plate",
        "吃完后再拍一张;吃不完可以下次少点一些",
        "Finish and take it again; next time a smaller portion may be enough",
    ),
    Reason(
        "looks_like_screen",
        "画面像屏幕或照片,已转人工复核",
        "It looks like a screen or a print, so a person will look at it",
        "请直接拍摄面前的餐盘,避开反光",
        "Photograph the plate in front of you, without reflections",
    ),
    Reason(
        "uncertain",
        "看不太清,已转人工复核",
        "We could not see it clearly, so a person will look at it",
        "请从上方拍下整个餐盘,光线均匀最好",
        "From above, in even light, with the whole plate in view works best",
    ),
    Reason(
        LOOKS_LIKE_EARLIER_PHOTO,
        "与之前的一张照片很像,已转人工复核",
        "It looks much like an earlier photo, so a person will look at it",
        "每餐请现拍一张新照片",
        "Take a fresh photo of each meal",
    ),
    Reason(
        COPY_OF_EARLIER_PHOTO,
        "与之前的一张照片几乎相同,本次未计入",
        "It is nearly the same as an earlier photo, so it was not counted",
        "请为这一餐现拍一张;如果这就是您本人拍的,可以申诉",
        "Take a fresh photo of this meal; you can appeal if you took this one yourself",
    ),
    Reason(
        "looks_like_another",
        "与另一张照片相似,已转人工复核",
        "It resembles another photo, so a person will look at it",
        "复核通过后照常计入;每餐请现拍一张新照片",
        "If all is well it counts as usual; take a fresh photo of each meal",
    ),
    Reason(
        "looks_edited",
        "照片由修图软件保存,已转人工复核",
        "An editing program saved the photo, so a person will look at it",
        "请直接上传相机拍的原图",
        "Upload the photo as the camera took it",
    ),
    Reason(
        PHOTO_ALREADY_USED,
        "这张照片已用过",
        "This photo was used before",
        "请为这一餐现拍一张新照片",
        "Take a fresh photo of this meal",
    ),
)

_PERSON = (
    Reason(
        RESIDUE,
        "餐盘里还有残留",
        "Something is still left on the plate",
        "吃干净后再拍一张,盘底也要拍到",
        "Finish and take it again, with the bottom of the plate in view",
    ),
    Reason(
        RECAPTURED,
        "画面是屏幕或照片里的餐盘",
        "It shows a plate on a screen or on a print",
        "请直接拍摄面前的餐盘",
        "Photograph the plate in front of you",
    ),
    Reason(
        EDITED,
        "照片在拍摄后改动过",
        "The photo was changed after it was taken",
        "请上传相机拍的原图,不加滤镜或贴纸",
        "Upload the photo as the camera took it, without filters or stickers",
    ),
    Reason(
        APPEALED,
        "已申诉,等待人工复核",
        "You appealed, so a person will look at it",
        "复核结束后会在这里看到结果",
        "The outcome will stand here",
    ),
)

_MEAL = (
    Reason(
        MEAL_ALREADY_COUNTED,
        "本餐已记录",
        "This meal is already counted",
        "每个用餐时段记录一次,下一餐再来",
        "One plate counts per meal time; see you at the next meal",
    ),
    Reason(
        OUTSIDE_MEAL_WINDOW,
        "不在用餐时段",
        "It is not a meal time",
        "请在早餐、午餐或晚餐时段拍摄",
        "Take the photo during breakfast, lunch or dinner time",
    ),
    Reason(
        RETRIES_USED_UP,
        "本餐的重拍次数已用完",
        "All retakes of this meal are used",
        "可以申请人工复核,或下一餐再来",
        "You can ask for a review, or come back at the next meal",
    ),
)

_CREDIT = (
    Reason(
        "cap_reached",
        "已达到每日上限,超出部分不再计算减碳量",
        "The daily cap is reached; what goes beyond it earns no reduction",
        "明天的活动会重新计算",
        "Tomorrow's activities count again",
    ),
    Reason(
        "excluded",
        "同一时段的活动已计算过",
        "Another activity of the same time already counts",
        "同一段路程只记录一种出行方式",
        "Record one way of travelling for one trip",
    ),
    Reason(
        "fund_exhausted",
        "活动经费已用完,减碳量照常记录,积分为 0",
        "The budget is used up: the reduction is recorded, with 0 points",
        "新的活动经费到位后会重新发放积分",
        "Points are given again when there is a new budget",
    ),
    Reason(
        "points_queued",
        "积分待发放:活动经费补充后,按先后顺序发放",
        "The points wait for money: they are paid in order of arrival",
        "减碳量已入账,积分到账后会通知您",
        "The reduction is recorded; you get a notice when the points are paid",
    ),
    Reason(
        "self_declared",
        "本人申报:减碳量按一半计算,不发放积分",
        "Self-declared: half of the reduction counts, without points",
        "拍照后 10 分钟内上传,或使用已关联的乘车卡",
        "Upload within 10 minutes of the photo, or use a linked travel card",
    ),
    Reason(
        CAPTURED_TOO_LATE,
        "照片上传较晚,按本人申报计算",
        "The photo came later, so it counts as self-declared",
        "拍照后 10 分钟内上传,可按平台数据计算",
        "Upload within 10 minutes of the photo for the full reduction",
    ),
    Reason(
        TOO_LATE,
        "超过了可以补报的时间",
        "It came after the time in which it can be reported",
        "请尽快上传:照片 24 小时内,出行 7 天内",
        "Report soon: photos within 24 hours, trips within 7 days",
    ),
    Reason(
        ALREADY_COUNTED,
        "这次活动已经计算过",
        "This activity is already counted",
        "每次活动只需记录一次",
        "Each activity needs to be reported once",
    ),
    Reason(
        NOT_COVERED,
        "这项活动在当时当地还没有适用的方法学",
        "No methodology covers this activity at that time and place",
        "在减排场景列表中可以看到目前支持的活动",
        "The list of actions shows what is covered",
    ),
)

REASONS: Final[Mapping[str, Reason]] = {
    reason.code: reason
    for reason in (
        *(*_PHOTO, *_PERSON, *UPLOAD_REASONS, *_MEAL, *_CREDIT),
        *(*CORRECTION_REASONS, *BAG_REASONS),
    )
}
