"""One citizen followed in detail: what 李青 does, and what her phone shows her."""

from collections.abc import Mapping, Sequence
from typing import Any

from backend.demo.album import PARTS, Photo
from backend.demo.city import DISTRICTS, HEROINE
from backend.demo.client import Client, Reply, needed, show_refusal
from backend.demo.crowd import Crowd, send_photo
from backend.demo.merchant import spend
from backend.demo.screen import Screen
from backend.demo.town_hall import TownHall
from backend.units import format_reduction

NAME = "李青"
PHOTOS_MAX = 3  # a photo and two retakes; the meal allows three retakes
FOOD_LEFT = ("leftover", "full")
EATEN_CLEAN = ("clean",)

ACTIONS: Mapping[str, str] = {
    "clean_plate": "光盘打卡",
    "metro": "地铁",
    "bus": "公交",
    "cycling": "骑行",
    "mixed_recycling": "混合回收袋",
    "sorted_recycling": "分类回收",
    "marine_waste": "海洋塑料",
    "tree_planting": "植树",
}
PURPOSES: Mapping[str, str] = {
    "credit": "入账 credit",
    "reverse": "冲正 reverse",
    "settle": "核销 settle",
    "repay": "归还 repay",
    "claw_back": "收回 claw back",
}


def her_photos(album: Sequence[Photo]) -> list[Photo]:
    """First a plate with food on it, then clean ones; any, where the folders do not say.

    Photos that the model was trained on come last: what it makes of them proves little.
    """
    fair = sorted(album, key=lambda photo: photo.part != "held_out")
    first = [photo for photo in fair if _last(photo) in FOOD_LEFT][:1]
    clean = [photo for photo in fair if _last(photo) in EATEN_CLEAN][: PHOTOS_MAX - len(first)]
    chosen = [*first, *clean]
    return chosen or list(album[:PHOTOS_MAX])


async def follow(crowd: Crowd, hall: TownHall, photos: Sequence[Photo]) -> list[Photo]:
    """Tell her day; returns the photos that she used."""
    screen, she = crowd.screen, await crowd.member(HEROINE)
    district = DISTRICTS[crowd.city.district(HEROINE)]
    screen.title(f"{NAME}的一天 A day of Li Qing · {district}")
    used, answers = await _eat(crowd, she, photos)
    answers += await _move_and_recycle(crowd, she)
    await _show_calculation(screen, she, [reply for reply in answers if reply.body.get("grams")])
    await spend(crowd, hall, she)
    await _show_account(screen, she)
    return used


async def _eat(
    crowd: Crowd, she: Client, photos: Sequence[Photo]
) -> tuple[list[Photo], list[Reply]]:
    """She photographs her plate, and does what the answer says, until it counts."""
    used, answers = [], []
    for photo in photos:
        reply = await send_photo(she, crowd.city, HEROINE, photo)
        crowd.tally.note_photo(photo, reply)
        used.append(photo)
        answers.append(reply)
        what = f"光盘打卡 Clean plate · {photo.group} · {PARTS[photo.part]}"
        await _show(crowd.screen, she, what, reply)
        if reply.body.get("status") == "credited":
            break
    taken = [photo for photo, reply in zip(used, answers, strict=True) if reply.is_taken]
    for photo in taken[-1:]:
        again = crowd.tally.note(await send_photo(she, crowd.city, HEROINE, photo))
        await _show(crowd.screen, she, "同一张照片再发一次 The same photo again", again)
    return used, answers


async def _move_and_recycle(crowd: Crowd, she: Client) -> list[Reply]:
    await _show(crowd.screen, she, "绑袋 Binds a recycling bag", await crowd.bind(HEROINE))
    weighed = await crowd.weigh(HEROINE, {"mass_g": 2_400})
    await _show(crowd.screen, she, "称重 2.4 千克 The station weighs it", weighed)
    metro = await crowd.ride_metro(HEROINE)
    await _show(crowd.screen, she, "地铁上报行程 The metro reports a ride", metro)
    bus = await crowd.declare(HEROINE, "bus", None)
    await _show(crowd.screen, she, "本人申报公交 Declares a bus ride herself", bus)
    return [weighed, metro, bus]


async def _show(screen: Screen, she: Client, what: str, reply: Reply) -> None:
    """Write an answer as her phone shows it, with the English words beside it."""
    screen.say(f"  · {what}")
    if not reply.is_taken:
        await show_refusal(screen, she, reply)
        return
    path = f"/v1/check-ins/{reply.body['id']}"
    chinese = await she.need(path)
    english = await she.speaking("en").need(path)
    amount = f"{format_reduction(chinese['grams'])} · {chinese['points']} 积分 points"
    if chinese["points_pending"]:
        amount += f" (待发放 pending {chinese['points_pending']})"
    screen.say(f"      {_words(chinese)} · {amount}")
    if chinese["hint"]:
        screen.say(f"      提示 Hint: {chinese['hint']}")
    screen.say(f"      {_words(english)}")
    if english["hint"]:
        screen.say(f"      {english['hint']}")


def _words(answer: Mapping[str, Any]) -> str:
    status, message = answer["status_text"], answer["message"]
    return status if message == status else f"{status} · {message}"


async def _show_calculation(screen: Screen, she: Client, credited: Sequence[Reply]) -> None:
    """Three sentences from the evidence to the grams, for the first thing that counted."""
    if not credited:
        return
    path = f"/v1/check-ins/{credited[0].body['id']}/calculation"
    screen.say("  · 怎么算的 How it was calculated")
    for caller in (she, she.speaking("en")):
        for sentence in (await caller.need(path))["sentences"]:
            screen.say(f"      {sentence}")


async def _show_account(screen: Screen, she: Client) -> None:
    account = await she.need("/v1/account")
    page = needed(await she.get("/v1/account/transfers?limit=100"), "transfers").body
    screen.title(
        f"{NAME}的个人碳账户 Her account: 减碳量 Reduction {account['reduction_text']}"
        f" · 可用积分 Points {account['points']} · 待发放 Pending {account['points_pending']}"
    )
    head = ("用途 purpose", "数量 amount", "单位 unit", "场景 action", "规则 rule", "日期 day")
    rows = [
        (
            PURPOSES.get(each["purpose"], each["purpose"]),
            int(each["amount"]),
            each["unit"],
            ACTIONS.get(each["action"], each["action"] or ""),
            each["rule"] or "",
            each["occurred_on"],
        )
        for each in reversed(page["items"])
    ]
    screen.table(head, rows)


def _last(photo: Photo) -> str:
    return photo.kind.rpartition("/")[2]
