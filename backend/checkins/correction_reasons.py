"""Why something that was credited has changed since, and why an own report waits or stands."""

from typing import Final

from backend.checkins.upload_reasons import Reason

LATE_ACTIVITY: Final = "late_activity"
DAY_RESTATED: Final = "day_restated"
NEWER_TOTAL: Final = "newer_total"
PARTNER_CORRECTED: Final = "partner_corrected"
PARTNER_WITHDREW: Final = "partner_withdrew"
MEMBER_WITHDREW: Final = "member_withdrew"
COUNTED_TWICE: Final = "counted_twice"
EVIDENCE_DOES_NOT_SHOW: Final = "evidence_does_not_show"
NOT_THE_MEMBERS_OWN: Final = "not_the_members_own"
RECORDED_WRONGLY: Final = "recorded_wrongly"
ODOMETERS_TO_COMPARE: Final = "odometers_to_compare"

# What an operator can give as the reason of a reversal.
PROGRAMME_REASONS: Final = frozenset(
    {COUNTED_TWICE, EVIDENCE_DOES_NOT_SHOW, NOT_THE_MEMBERS_OWN, RECORDED_WRONGLY}
)

CORRECTION_REASONS: Final = (
    Reason(
        LATE_ACTIVITY,
        "当天有较晚到达的活动,已重新计算",
        "An activity of that day arrived later, so the day was calculated again",
        "在账户明细里可以看到每一笔更正",
        "The account shows each correction",
    ),
    Reason(
        DAY_RESTATED,
        "当天另一项活动已更正,全天重新计算",
        "Another activity of that day was corrected, so the day was calculated again",
        "在账户明细里可以看到每一笔更正",
        "The account shows each correction",
    ),
    Reason(
        NEWER_TOTAL,
        "当天的合计已更新,按新的合计计算",
        "A newer total of the day came, and counts instead of the earlier one",
        "同一设备以最近一次的合计为准",
        "Of one device the latest total counts",
    ),
    Reason(
        PARTNER_CORRECTED,
        "数据提供方更正了这次活动",
        "The partner who reported this activity has corrected it",
        "如有疑问,可以向数据提供方核对",
        "Ask the partner if you see it differently",
    ),
    Reason(
        PARTNER_WITHDREW,
        "数据提供方撤回了这次活动",
        "The partner who reported this activity has withdrawn it",
        "如有疑问,可以向数据提供方核对",
        "Ask the partner if you see it differently",
    ),
    Reason(
        MEMBER_WITHDREW,
        "您撤回了这次申报",
        "You have withdrawn this report",
        "新的活动可以照常申报",
        "New activities can be reported as usual",
    ),
    Reason(
        COUNTED_TWICE,
        "经核对,这次活动与另一条记录是同一次",
        "It turned out to be the same activity as another record",
        "每次活动只记录一次即可",
        "Each activity needs one record only",
    ),
    Reason(
        EVIDENCE_DOES_NOT_SHOW,
        "经核对,现有材料看不出这次活动",
        "On a second look the evidence does not show this activity",
        "说明里写有原因;如有疑问请联系项目运营方",
        "The note says why; ask the programme if you see it differently",
    ),
    Reason(
        NOT_THE_MEMBERS_OWN,
        "经核对,这次活动属于另一位居民",
        "It turned out to be the activity of another person",
        "请用本人的账户记录自己的活动",
        "Record your own activities on your own account",
    ),
    Reason(
        RECORDED_WRONGLY,
        "系统当时记录有误,现已更正",
        "It was recorded wrongly on our side, and has been corrected",
        "说明里写有原因;给您带来不便,敬请谅解",
        "The note says why; we apologise",
    ),
    Reason(
        ODOMETERS_TO_COMPARE,
        "两张里程表照片已收到,待人工复核",
        "Both odometer photos are here; a person will compare them",
        "复核通过后自动入账,请等待结果",
        "It is credited by itself once they agree; there is nothing to do",
    ),
)
