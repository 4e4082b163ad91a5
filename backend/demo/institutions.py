"""Partners and devices beside the phones: a camera, a card, a collector, a harbour, a forest."""

from backend.demo.canteen import return_trays
from backend.demo.client import Client, needed, sign_in, together
from backend.demo.crowd import Crowd
from backend.demo.doorstep import pick_up
from backend.demo.forest import plant
from backend.demo.shore import clean_the_sea
from backend.demo.town_hall import TownHall, write

PIN = "274916"  # made up, like its holder


async def meet_institutions(crowd: Crowd, hall: TownHall) -> None:
    """Let the neighbours live through what needs no photo of theirs."""
    desk = await sign_in(crowd.session, f"desk-{crowd.city.run}", role="desk")
    held = {"card_token": crowd.city.card_token, "pin": PIN}
    await write(desk, "/v1/desk/cards", held)
    # Ten people fish: with fewer behind a lot its trace shows no masses.
    guest, other, third, home, next_home, donor, *fishers = crowd.city.neighbours
    crowd.told += await together(
        return_trays(crowd, hall, (guest, other, third)),
        pick_up(crowd, hall, (home, next_home)),
        clean_the_sea(crowd, hall, fishers),
        plant(crowd, hall, donor),
    )
    crowd.told.append(await _card_line(desk, held))


async def _card_line(desk: Client, held: dict[str, str]) -> str:
    """What the card has collected by then, as its holder is told at the desk."""
    has = needed(await desk.post("/v1/desk/card-balances", held), "card").body
    return (
        "低碳卡 Card of somebody without a phone · 一个餐盘和一次交投 a tray and a hand-in"
        f" → 减碳 reduction {has['grams']:,} 克 gCO2e, 积分 points {has['points']}"
    )
