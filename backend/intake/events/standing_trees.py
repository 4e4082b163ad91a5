"""Trees that were certified are credited to their holder, and only as many as live."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from backend.errors import DomainError
from backend.intake.events.deciding import Plan, Story
from backend.intake.events.domain import EventKey
from backend.intake.events.nature import TreeVerified
from backend.trees.domain import MoreThanAlive, PlantingElsewhere
from backend.trees.queries import certified


async def refuse_dead_trees(
    conn: AsyncConnection, stories: Mapping[EventKey, Story], plan: Plan
) -> None:
    """Take out of the plan what certificates contradict; the plantings stay as they are meanwhile.

    A planting without a certificate here passes: its trees are the partner's affair.
    """
    told = _told(stories, plan)
    if not told:
        return
    plantings = {(key.partner_id, data.planting) for key, (data, _) in told.items()}
    standing = await certified(conn, sorted(plantings))
    for key, (data, account_id) in told.items():
        certificate = standing.get((key.partner_id, data.planting))
        refusal = certificate and _contradiction(data, account_id, *certificate)
        if refusal:
            plan.became[key] = refusal
            plan.orders.pop(key, None)
            plan.restated.pop(key, None)


def _told(
    stories: Mapping[EventKey, Story], plan: Plan
) -> dict[EventKey, tuple[TreeVerified, UUID]]:
    """What is to be credited or corrected of trees, and to whom."""
    events = [each for story in stories.values() for each in story.events]
    data = {each.key: each.data for each in events if isinstance(each.data, TreeVerified)}
    owners = {key: order.account_id for key, order in plan.orders.items()}
    owners |= {key: each.cause.account_id for key, each in plan.restated.items()}
    told = {key: (data[key], account_id) for key, account_id in owners.items() if key in data}
    for report, event in plan.told.items():
        if report in told and event.key in data:
            told[report] = (data[event.key], owners[report])
    return told


def _contradiction(
    data: TreeVerified, account_id: UUID, holder_id: UUID, alive: int
) -> DomainError | None:
    if account_id != holder_id:
        return PlantingElsewhere()
    return MoreThanAlive(alive=alive) if data.trees > alive else None
