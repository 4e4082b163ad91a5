"""The fictional city: districts, meal windows, a fund, a metro, a recycler, printed bag codes.

Seeded through the rooms' own queries in one transaction. A second run on the same folder adds new
members and new bags beside the old ones.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.api import DEV_ISSUER
from backend.campaigns.domain import PROGRAMME_FUND
from backend.campaigns.queries import funds, top_up
from backend.cards.sheets import make_blanks
from backend.db import fetch_one, run
from backend.intake.bag_routes import BAG_WEIGH
from backend.intake.events.routes import EVENT_SEND
from backend.intake.routes import TRIP_REPORT
from backend.members.steps import join
from backend.partners.cards import insert_blanks
from backend.partners.link_routes import CUSTOMER_LINK
from backend.partners.queries import issue_key, link, make_partner
from backend.recycling.queries import add_bags

CITY = "青禾市"
# GB/T 2260 has no 3399xx: nobody lives there. The two first digits let provincial factors apply.
CITY_REGION = "339900"
DISTRICTS: Mapping[str, str] = {"339901": "麦浪区", "339902": "竹影区", "339903": "荷风区"}
FUND_POINTS = 1_000_000

METRO_ID = UUID("00000000-0000-7000-8000-00000000d001")
RECYCLER_ID = UUID("00000000-0000-7000-8000-00000000d002")

# Minutes of the day: together the whole day, so that the demo runs at any hour.
MEAL_WINDOWS: Mapping[str, tuple[int, int]] = {
    "breakfast": (0, 600),
    "lunch": (600, 960),
    "dinner": (960, 1_440),
}
# Members beyond those with photos: they meet cameras, collectors, a harbour and a forest.
NEIGHBOURS = 16
HEROINE = 0  # the member who is followed in detail: 李青


@dataclass(frozen=True, slots=True)
class City:
    """A seeded city.

    Attributes:
        run: Six hexadecimal digits in every name that this run has made.
        metro_key: Bearer of the metro's server; reports trips of linked customers.
        scale_key: Bearer of the recycler's scale; weighs bags.
        members: How many people take photos; number 0 is 李青, after the last come the neighbours.
        card_token: What a reader reads of a printed card, blank until a desk binds it.
        trays_before: How many trays earlier runs have sent.
    """

    run: str
    metro_key: str
    scale_key: str
    members: int
    card_token: str
    trays_before: int

    @property
    def neighbours(self) -> range:
        """Numbers of the members who take no photos."""
        return range(self.members, self.members + NEIGHBOURS)

    def subject(self, number: int) -> str:
        """Who a member is to the issuer."""
        return f"qinghe-{self.run}-{number:05d}"

    def card(self, number: int) -> str:
        """The metro's own name for its customer."""
        return f"card-{self.run}-{number:05d}"

    @property
    def card_pattern(self) -> str:
        """The same for whoever puts in the number."""
        return f"card-{self.run}-{{number:05d}}"

    def bag(self, number: int) -> str:
        """The code printed on a member's bag."""
        return f"QH{self.run.upper()}{number:05d}"

    def district(self, number: int) -> str:
        """Where a member lives."""
        return list(DISTRICTS)[number % len(DISTRICTS)]


def rides_metro(number: int) -> bool:
    """Whether a member has a metro card that is linked to the carbon account."""
    return number % 3 == HEROINE


async def seed_city(conn: AsyncConnection, members: int) -> City:
    """Write the city into the database; keys are shown to this run only."""
    await _open_canteens(conn)
    await _fund(conn)
    metro_key = await _partner(
        conn,
        METRO_ID,
        ("青禾地铁", "Qinghe Metro"),
        "partner",
        [TRIP_REPORT, EVENT_SEND, CUSTOMER_LINK],
    )
    scale_key = await _partner(
        conn, RECYCLER_ID, ("青禾再生资源", "Qinghe Recycling"), "device", [BAG_WEIGH]
    )
    city = City(
        secrets.token_hex(3),
        metro_key,
        scale_key,
        members,
        await _print_card(conn),
        await _trays(conn),
    )
    await add_bags(conn, [city.bag(number) for number in range(city.neighbours.stop)])
    await _link_cards(conn, city, [number for number in range(members) if rides_metro(number)])
    return city


async def _open_canteens(conn: AsyncConnection) -> None:
    for name, (opens, closes) in MEAL_WINDOWS.items():
        await run(
            conn,
            "UPDATE meal_window SET opens_minute = :opens, closes_minute = :closes WHERE id = :id",
            id=name,
            opens=opens,
            closes=closes,
        )


async def _fund(conn: AsyncConnection) -> None:
    """Fill the programme's fund once; a later run spends what is left."""
    programme = next(row for row in await funds(conn) if row.id == PROGRAMME_FUND)
    if programme.budget == 0:
        await top_up(conn, PROGRAMME_FUND, FUND_POINTS)


async def _partner(
    conn: AsyncConnection,
    partner_id: UUID,
    names: tuple[str, str],
    kind: str,
    scopes: Sequence[str],
) -> str:
    source = source_of(partner_id)
    await make_partner(conn, partner_id, name_zh=names[0], name_en=names[1], source=source)
    return await issue_key(conn, partner_id, kind=kind, scopes=scopes)


def source_of(partner_id: UUID) -> str:
    """What the events of a partner of the city come from."""
    return f"urn:tanhui:partner:{partner_id}"


async def _print_card(conn: AsyncConnection) -> str:
    [card] = make_blanks(1)
    row = await fetch_one(conn, "SELECT now() AS now")
    assert row is not None, "a select without a table gives one row"
    await insert_blanks(conn, [card], row.now)
    return card.token


async def _trays(conn: AsyncConnection) -> int:
    row = await fetch_one(conn, "SELECT count(*) AS trays FROM tray")
    return int(row.trays) if row else 0


async def _link_cards(conn: AsyncConnection, city: City, riders: Sequence[int]) -> None:
    """Riders have joined and linked their cards before the day begins."""
    for number in riders:
        account_id = await join(conn, f"{DEV_ISSUER}|{city.subject(number)}")
        await link(conn, METRO_ID, city.card(number), account_id)
